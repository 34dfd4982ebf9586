"""The fields of a request that are not simply passed on: how each is read, and applied to the head."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy.core.errors import BadRequest
from proxy.core.http.field_lines import Reader
from proxy.core.http.field_names import Underscores, fate
from proxy.core.http.framing import CHUNKED, MAX_DIGITS, apply_tokens, apply_upgrade, drop
from proxy.core.http.headers import FORWARDING, HEARSAY, HOP_BY_HOP, NEVER_FOR_ONE_HOP, OF_ALL_FORWARDING, tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.http.request import RequestHead

    FindReader = Callable[[bytes, Underscores], Reader | None]

HOST_SYNTAX = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


def _host(value: bytes) -> bytes:
    if value and not HOST_SYNTAX.fullmatch(value):
        raise BadRequest("host-syntax", "the Host field is not a host name with an optional port")
    return value


def _apply_host(head: RequestHead, host: bytes) -> None:
    if head.host is not None:
        raise BadRequest("two-hosts", "more than one Host field")
    head.host = host


def _connection(value: bytes) -> list[bytes]:
    """Of a request. A backend may name what it likes, and some name Transfer-Encoding: what we frame stays all the
    same (`apply_connection`), and the rest is the backend's own."""
    named = tokens(value)
    for name in named:
        if name in NEVER_FOR_ONE_HOP or name.startswith(OF_ALL_FORWARDING):
            raise BadRequest("connection-names", f"{name.decode('latin-1')} is not for one connection only")
    return named


def _te(value: bytes) -> bool:
    return b"trailers" in tokens(value)


def _apply_te(head: RequestHead, takes_trailers: bool) -> None:
    """Ours to the backend is not what the client sent: whatever its codings, we take trailers, if the client does."""
    head.takes_trailers = takes_trailers and head.is_1_1


def _once(name: bytes) -> Reader:
    """Of two, one backend takes the first and another the last, and who checked the request need not have been the same
    sort. nginx refuses these as well."""

    def apply(head: RequestHead, value: bytes) -> None:
        if name in head.once:
            raise BadRequest("twice", f"more than one {name.decode()} field")
        head.once = (*head.once, name)

    return Reader(bytes, apply, is_passed_on=True)


def _refuse_underscore(value: bytes) -> bytes:
    raise BadRequest("underscore", "a field name has '_' in it")


def _expectation(value: bytes) -> bytes:
    if value.lower() != b"100-continue":
        raise BadRequest("expectation", "only 100-continue can be expected", status=417)
    return value


def _apply_expectation(head: RequestHead, value: bytes) -> None:
    head.expects_100 = True


def _length(value: bytes) -> int:
    if len(value) > MAX_DIGITS:
        raise BadRequest("content-length", f"over {MAX_DIGITS} digits")
    return int(value)


def _apply_length(head: RequestHead, length: int) -> None:
    head.length = length


def _coding(value: bytes) -> bytes:
    if value.lower() != b"chunked":
        raise BadRequest("transfer-encoding", "only chunked is understood", status=501)
    return value


def _apply_coding(head: RequestHead, value: bytes) -> None:
    if not head.is_1_1:
        raise BadRequest("transfer-encoding", "HTTP/1.0 has no transfer codings")
    head.length = CHUNKED


_FIELDS: dict[bytes, Reader] = {
    **dict.fromkeys(HOP_BY_HOP | FORWARDING | HEARSAY, Reader(bytes, drop)),
    b"host": Reader(_host, _apply_host),
    b"connection": Reader(_connection, apply_tokens),
    b"te": Reader(_te, _apply_te),
    **{name: _once(name) for name in (b"authorization", b"content-type", b"range")},
    b"content-length": Reader(_length, _apply_length),
    b"transfer-encoding": Reader(_coding, _apply_coding),
    b"upgrade": Reader(bytes.lower, apply_upgrade),
    b"expect": Reader(_expectation, _apply_expectation),
}
_DROPPED = Reader(bytes, drop)
_REFUSED = Reader(_refuse_underscore, drop)


def find_request_reader(name: bytes, underscores: Underscores) -> Reader | None:
    """name: lower case."""
    reader = _FIELDS.get(name)
    if reader is None:
        fated = fate(name, underscores)
        if fated != "pass":
            return _DROPPED if fated == "drop" else _REFUSED
    return reader
