"""One probe of one backend: a connect, a TLS handshake where there is TLS, and a request where a path is given."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httptools
import trio

from proxy.core.client.peer import Peer
from proxy.engine.backend import connect_failed
from proxy.engine.greeting import GreetedBackend
from proxy.engine.tls.backend_tls import handshake_failed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from proxy.core.config import HealthCheck
    from proxy.engine.backend import LiveBackend
    from proxy.engine.tls.backend_tls import BackendTls

LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 64 * 1024  # what `expect_body` is looked for in; more of a body is not read


async def probe(
    target: LiveBackend,
    check: HealthCheck,
    tls: BackendTls | None = None,
    met: Callable[[trio.socket.SocketType], Awaitable[None]] | None = None,
) -> str:
    """Why the backend is not well, in a few words; "" when it is. tls: to speak, if the target has none of its own.

    met: is shown the connection when all is said over it, or nothing was in time, before it is closed.
    """
    if target.sockaddr is None:
        return "unresolved"
    fault = f"no answer within {check.timeout:g} s"
    try:
        with trio.socket.socket(target.family, socket.SOCK_STREAM) as sock:
            with trio.move_on_after(check.timeout):
                fault = await _try(sock, target, check, target.tls or tls)
            if met is not None:
                await met(sock)
    except OSError as error:  # no descriptor
        return connect_failed(error, target).reason
    return fault


async def _try(sock: trio.socket.SocketType, target: LiveBackend, check: HealthCheck, tls: BackendTls | None) -> str:
    try:
        return await _probe(sock, target, check, tls)
    except OSError as error:
        return connect_failed(error, target).reason
    except trio.BrokenResourceError as error:
        cause = error.__cause__
        return "backend-reset" if isinstance(cause, OSError) else str(error)


async def _probe(sock: trio.socket.SocketType, target: LiveBackend, check: HealthCheck, tls: BackendTls | None) -> str:
    await sock.connect(target.sockaddr)
    stream: trio.abc.Stream = trio.SocketStream(sock)
    if isinstance(target, GreetedBackend):
        await stream.send_all(target.greeting_of_probe(_ends_of(sock)))
    if tls is not None:
        stream = trio.SSLStream(stream, tls.context, server_hostname=tls.server_name)
        try:
            await stream.do_handshake()
        except trio.BrokenResourceError as error:
            cause = error.__cause__
            return _words(handshake_failed(cause, target)) if isinstance(cause, OSError) else "closed in the handshake"
    return "" if check.path is None else await _ask(stream, check)


def _words(error: Exception) -> str:
    """`tls-certificate: hostname mismatch`, without the side and phase that every failure of a backend has."""
    return str(error).removeprefix("upstream dial ")


def _ends_of(sock: trio.socket.SocketType) -> Peer:
    """This connection as the backend sees it: we are the client."""
    ours, theirs = sock.getsockname(), sock.getpeername()
    return Peer(*ours[:2], *theirs[:2]) if isinstance(ours, tuple) else Peer()


async def _ask(stream: trio.abc.Stream, check: HealthCheck) -> str:
    """Without `Connection: close`: who has answered must still have the connection when `met` looks for it."""
    request = (
        f"{check.method} {check.path} HTTP/1.1\r\nHost: {check.host or 'localhost'}\r\n"
        "User-Agent: rproxy-health-check\r\nAccept: */*\r\n\r\n"
    )
    await stream.send_all(request.encode())
    answer = _Answer(wants_body=check.expect_body is not None)
    while not answer.is_enough:
        data = await stream.receive_some(16 * 1024)
        if not data:
            break
        try:
            answer.feed(data)
        except httptools.HttpParserError as error:
            return f"response-syntax: {error}"
    return answer.judge(check)


class _Answer:
    """As much of an answer as it takes to judge it; a callback object of httptools."""

    def __init__(self, *, wants_body: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._wants_body = wants_body
        self._taken = 0
        self.status = 0
        self.body = b""
        self.is_enough = False

    def feed(self, data: bytes | bytearray) -> None:
        """Raises HttpParserError."""
        self._taken += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.is_enough = True
        if self._taken > LARGEST_HEAD + LARGEST_BODY:
            self.is_enough = True

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.is_enough = self.status >= 200 and not self._wants_body

    def on_body(self, data: bytes) -> None:
        self.body = (self.body + data)[:LARGEST_BODY]
        self.is_enough = len(self.body) == LARGEST_BODY

    def on_message_complete(self) -> None:
        self.is_enough = self.status >= 200

    def judge(self, check: HealthCheck) -> str:
        if self.status < 200:
            return "closed-before-answer"
        if not check.is_expected(self.status):
            return f"status {self.status}"
        if check.expect_body is not None and check.expect_body.encode() not in self.body:
            return f'"{check.expect_body}" is not in the body'
        return ""
