"""The least HTTP that is correct for one request per connection, on blocking files."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, BinaryIO

from backends._work import work_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase

    Stream = BinaryIO | BufferedIOBase

MAX_LINE = 64 * 1024


def read_head(stream: Stream) -> list[bytes]:
    """Its lines without their ends; empty when the client closed instead of asking."""
    lines = []
    while (line := stream.readline(MAX_LINE)) and line.strip():
        lines.append(line.rstrip(b"\r\n"))
    return lines


def header(head: list[bytes], name: bytes) -> bytes:
    for line in head[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    return b""


def read_body(stream: Stream, head: list[bytes]) -> int:
    """Reads it to its end, returns its length. Closing on unread bytes would reset the connection under our answer."""
    if header(head, b"transfer-encoding").lower() == b"chunked":
        return sum(_read_chunks(stream))
    return len(stream.read(int(header(head, b"content-length") or 0)))


def _read_chunks(stream: Stream) -> Iterator[int]:
    while size := int(stream.readline(MAX_LINE).partition(b";")[0] or b"0", 16):
        yield len(stream.read(size))
        stream.readline(MAX_LINE)
    read_head(stream)  # trailers


def answer_with_pid(stream: Stream, out: Stream, name: str) -> None:
    head = read_head(stream)
    if not head:
        return
    method, path, *_ = [*head[0].decode("latin-1").split(), "", ""]
    length = read_body(stream, head)
    try:
        work = work_of(path)
    except ValueError as error:
        _answer(out, b"400 Bad Request", f"{error}\n".encode(), method)
        return
    work.do()
    report = {"pid": os.getpid(), "worker": name, "method": method, "path": path, "body_length": length}
    body = json.dumps(report).encode() + b"\n" if work.size is None else b"x" * work.size
    _answer(out, b"200 OK", body, method)


def _answer(out: Stream, status: bytes, body: bytes, method: str) -> None:
    out.write(b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nConnection: close\r\n" % status)
    out.write(b"Content-Length: %d\r\n\r\n" % len(body))
    out.write(b"" if method == "HEAD" else body)
    out.flush()
