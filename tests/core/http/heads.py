"""Heads for tests, and what becomes of them."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from proxy.core.errors import BadRequest
from proxy.core.http.request import RequestHead, RequestParser
from proxy.core.http.response import ResponseHead, ResponseParser

Fields = list[tuple[bytes, bytes]]
TOKEN = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=9).map(str.encode)
VISIBLE = st.text([chr(code) for code in (*range(0x21, 0x7F), *range(0x80, 0x100))], min_size=1, max_size=9)
VALUE = st.lists(VISIBLE, max_size=3).map(lambda words: " ".join(words).encode("latin-1"))
FRAMING = {b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect"}
BODY = st.sampled_from([[], [(b"Content-Length", b"5")], [(b"Transfer-Encoding", b"chunked")]])


def request(*lines: bytes, first: bytes = b"GET / HTTP/1.1", host: bytes | None = b"Host: a.test") -> bytes:
    """The bytes of a head; with a Host field unless told otherwise."""
    return b"\r\n".join([first, *([host] if host is not None else []), *lines, b"", b""])


def response(*lines: bytes, first: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join([first, *lines, b"", b""])


def parse(data: bytes) -> RequestHead:
    return RequestParser().parse(data)


def answer(data: bytes) -> ResponseHead:
    return ResponseParser().parse(data)


def refused(data: bytes) -> tuple[int, str]:
    """Status and reason."""
    with pytest.raises(BadRequest) as caught:
        parse(data)
    return caught.value.status, caught.value.reason


def lines_of(forward: bytes) -> list[bytes]:
    """Without the start line."""
    assert forward.endswith(b"\r\n")
    return forward.split(b"\r\n")[1:-1]
