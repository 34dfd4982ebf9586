"""The least HTTP that is correct for one request per connection, on blocking files."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, BinaryIO

from backends._options import Options, options_of, work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase

    Stream = BinaryIO | BufferedIOBase

MAX_LINE = 64 * 1024
DEFAULTS = Options()


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
    method, target, *_ = [*head[0].decode("latin-1").split(), "", ""]
    path, _, query = target.partition("?")
    length = read_body(stream, head)
    try:
        options = options_of(query.encode("latin-1"), DEFAULTS)
    except ValueError as error:
        _write(out, 400, "text/plain", f"{error}\n".encode(), method)
        return
    time.sleep(options.delay)
    work(options)
    if options.size is not None:
        _write(out, 200, "application/octet-stream", b"x" * options.size, method)
        return
    report = {"pid": os.getpid(), "worker": name, "method": method, "path": path, "body_length": length}
    _write(out, 200, "application/json", json.dumps(report).encode() + b"\n", method)


def _write(out: Stream, status: int, content_type: str, body: bytes, method: str) -> None:
    out.write(b"HTTP/1.1 %d %s\r\n" % (status, b"OK" if status == 200 else b"Bad Request"))
    out.write(b"Content-Type: %s\r\nConnection: close\r\n" % content_type.encode())
    out.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), b"" if method == "HEAD" else body))
    out.flush()
