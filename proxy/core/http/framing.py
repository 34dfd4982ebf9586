"""What requests and responses have in common: where a head ends, how long a body is, which fields are for one hop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.http.field_lines import without_named

if TYPE_CHECKING:
    from proxy.core.http.request import RequestHead
    from proxy.core.http.response import ResponseHead

CHUNKED = -1  # the length of a body that comes in chunks
UNTIL_CLOSE = -2  # the length of a response body that ends with its connection
END_OF_HEAD = b"\r\n\r\n"
MAX_DIGITS = 100  # of a Content-Length; llhttp refuses values over 2**64 - 1 but bears with any number of zeros before

_CONNECTION_OPTIONS = {b"close", b"keep-alive", b"upgrade"}  # that are no field names


def drop(head: RequestHead | ResponseHead, value: bytes) -> None:
    """A field that goes no further."""


def apply_tokens(head: RequestHead | ResponseHead, tokens: list[bytes]) -> None:
    head.connection = (*head.connection, *tokens)


def apply_upgrade(head: RequestHead | ResponseHead, protocol: bytes) -> None:
    head.upgrade = protocol


def names_fields(head: RequestHead | ResponseHead) -> bool:
    """Whether `Connection` says that fields are for one hop only."""
    return not _CONNECTION_OPTIONS.issuperset(head.connection)


def apply_connection(head: RequestHead | ResponseHead, lines: list[bytes]) -> list[bytes]:
    """Persistence (RFC 9112 section 9.3), and `lines` without the fields named, which were meant for us alone
    (RFC 9110 section 7.6.1)."""
    named = set(head.connection)
    head.keep_alive = b"close" not in named and (head.is_1_1 or b"keep-alive" in named)
    named -= _CONNECTION_OPTIONS
    return without_named(lines, named) if named else lines
