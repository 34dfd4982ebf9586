"""Answers that rproxy gives by itself, without a backend: redirects and fixed texts."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxy.core.http.request import RequestHead
    from proxy.core.policy.fields import FieldPolicy
    from proxy.core.policy.redirect import Redirect

WITHOUT_BODY = (204, 304)


class Reply(Protocol):
    """What a route answers by itself."""

    status: int

    def __call__(self, head: RequestHead, *, keep_alive: bool) -> bytes:
        """A complete response. Raises BadRequest."""


class RedirectReply:
    """Without a body: clients that do not follow show the Location."""

    def __init__(self, redirect: Redirect, fields: FieldPolicy) -> None:
        self.status: int = redirect.status
        self._redirect = redirect
        self._fields = fields

    def __call__(self, head: RequestHead, *, keep_alive: bool) -> bytes:
        location = self._redirect.location(head.host or b"", head.target)
        start = _start(self._redirect.status) + b"Location: " + location + b"\r\nContent-Length: 0\r\n"
        return self._fields.apply(start) + _end(head, keep_alive=keep_alive)


class TextReply:
    """The same for every request."""

    def __init__(self, status: int, text: str, fields: FieldPolicy) -> None:
        self.status = status
        self._body = text.encode()
        start = _start(status)
        if status not in WITHOUT_BODY:
            start += b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n" % len(self._body)
        self._start = fields.apply(start)

    def __call__(self, head: RequestHead, *, keep_alive: bool) -> bytes:
        return self._start + _end(head, keep_alive=keep_alive) + (b"" if head.is_head else self._body)


def _start(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()


def _end(head: RequestHead, *, keep_alive: bool) -> bytes:
    """HTTP/1.1 keeps a connection unless told, HTTP/1.0 closes it unless told (RFC 9112 section 9.3)."""
    if keep_alive:
        return b"\r\n" if head.is_1_1 else b"Connection: keep-alive\r\n\r\n"
    return b"Connection: close\r\n\r\n"
