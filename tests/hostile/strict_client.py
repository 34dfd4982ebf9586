"""Two judges of what a client can take a stream of bytes for, as the answer to one request: a strict reader, and h11.

`whole` means that the client would go on without a doubt; so a damaged response that is `whole` is a lie passed on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import h11

from tests.hostile.strict_reader import Broken, Fields, Incomplete, read_chunks, read_fields

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\r\n]*)?")  # nobody reads the reason
_DIGITS = re.compile(rb"[0-9]{1,20}")
_UNTIL_CLOSE = -1


@dataclass(frozen=True)
class Response:
    """end: `whole`, `cut` where more had to come, `broken` where no strict reader goes on. left: bytes behind it.
    at_close: its body ends with the connection. interim: statuses of the 1xx before it."""

    end: str
    status: int = 0
    fields: Fields = ()
    body: bytes = b""
    trailers: Fields = ()
    left: bytes = b""
    at_close: bool = False
    interim: tuple[int, ...] = ()
    why: str = ""

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name]


def read_response(data: bytes, *, to_head: bool = False, has_ended: bool = True) -> Response:
    """has_ended: the stream ended behind `data`, cleanly; a reset is no end."""
    interim: list[int] = []
    try:
        while True:
            response, at = _read_head(data)
            if response.status >= 200:
                break
            if response.status == 101 or _length(response, to_head=True, is_1_1=True) or len(interim) == 32:
                raise Broken(f"an interim answer {response}")
            interim.append(response.status)
            data = data[at:]
        return _read_body(data, at, response, to_head=to_head, has_ended=has_ended, interim=tuple(interim))
    except Incomplete:
        return Response("cut", interim=tuple(interim))
    except Broken as error:
        return Response("broken", why=str(error), interim=tuple(interim))


def _read_head(data: bytes) -> tuple[Response, int]:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        raise Incomplete
    first, *lines = data[:end].split(b"\r\n")
    match = _STATUS_LINE.fullmatch(first)
    if match is None:
        raise Broken(f"status line {first[:80]!r}")
    return Response("whole", int(match[2]), read_fields(lines), why=match[1].decode()), end + 4


def _read_body(
    data: bytes, at: int, head: Response, *, to_head: bool, has_ended: bool, interim: tuple[int, ...]
) -> Response:
    length = _length(head, to_head=to_head, is_1_1=head.why == "1")
    body, trailers, end = data[at:], (), "whole"
    if length is None:
        try:
            body, trailers, at = read_chunks(data, at)
        except Incomplete:
            return Response("cut", head.status, head.fields, interim=interim)
    elif length == _UNTIL_CLOSE:
        at, end = len(data), "whole" if has_ended else "cut"
    else:
        end = "whole" if len(body) >= length else "cut"
        body, at = body[:length], min(at + length, len(data))
    return Response(
        end, head.status, head.fields, body, trailers, data[at:], at_close=length == _UNTIL_CLOSE, interim=interim
    )


def _length(head: Response, *, to_head: bool, is_1_1: bool) -> int | None:
    """None for chunks."""
    codings, lengths = head.all(b"transfer-encoding"), head.all(b"content-length")
    if codings and (lengths or not is_1_1 or len(codings) > 1 or codings[0].lower() != b"chunked"):
        raise Broken(f"Transfer-Encoding {codings}, Content-Length {lengths}")
    if len(lengths) > 1 or (lengths and (not _DIGITS.fullmatch(lengths[0]) or int(lengths[0]) >= 1 << 64)):
        raise Broken(f"Content-Length {lengths}")
    if head.status in (204, 304) or (to_head and head.status >= 200):
        return 0
    if head.status < 200:
        return int(bool(codings)) or int(lengths[0] if lengths else 0)
    if codings:
        return None
    return int(lengths[0]) if lengths else _UNTIL_CLOSE


def read_with_h11(data: bytes, *, to_head: bool = False, has_ended: bool = True) -> Response:
    """The same question to h11, as a client that has sent its request."""
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 24)
    client.send(h11.Request(method="HEAD" if to_head else "GET", target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    head, body = None, b""
    try:
        client.receive_data(data)
        if has_ended:
            client.receive_data(b"")
        while True:
            event = client.next_event()
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                fields, trailers = tuple(head.headers.raw_items()), tuple(event.headers.raw_items())
                return Response("whole", head.status_code, fields, body, trailers)
            elif not isinstance(event, h11.InformationalResponse):
                return Response("cut")
    except h11.RemoteProtocolError as error:
        return Response("cut" if has_ended else "broken", why=str(error))
