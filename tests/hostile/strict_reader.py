"""Two judges of what a stream of requests says, neither sharing a line with proxy/: h11, and a small reader of our own.

The small one is the stricter: it has one reading for a stream or none (RFC 9112), where h11 bears bare LF and obs-fold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import h11

Fields = tuple[tuple[bytes, bytes], ...]

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(%b) ([\x21-\x7e]+) (HTTP/1\.[01])" % _TOKEN)
_FIELD_LINE = re.compile(rb"(%b):([\t\x20-\x7e\x80-\xff]*)" % _TOKEN)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[\t\x20-\x7e\x80-\xff]*)?")
_AUTHORITY = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?]+)(.*)")
_DIGITS = re.compile(rb"[0-9]+")


class Broken(ValueError):
    """No strict reading: whoever passes this on lets the next hop guess."""


class Incomplete(Exception):
    """So far a beginning; more may come."""


@dataclass(frozen=True)
class Request:
    """target: as sent; body: undone of its chunks; trailers: behind it."""

    method: bytes
    target: bytes
    version: bytes
    fields: Fields
    body: bytes = b""
    trailers: Fields = ()

    def all(self, name: bytes) -> list[bytes]:
        """The values of a field; name: lower case."""
        return [value for key, value in self.fields if key.lower() == name]

    @property
    def options(self) -> set[bytes]:
        """What `Connection` names, lower case."""
        return {token.strip(b" \t") for value in self.all(b"connection") for token in value.lower().split(b",")}

    @property
    def is_last(self) -> bool:
        """Nothing that follows on the connection is a request (RFC 9112 section 9.3)."""
        return b"close" in self.options or (self.version == b"HTTP/1.0" and b"keep-alive" not in self.options)

    @property
    def authority(self) -> bytes:
        """Whom it is for: the target's host when the target names one (RFC 9112 section 3.2.2)."""
        absolute = _ABSOLUTE.fullmatch(self.target)
        return absolute[1] if absolute else b"".join(self.all(b"host"))

    @property
    def origin_form(self) -> bytes:
        absolute = _ABSOLUTE.fullmatch(self.target)
        if absolute is None:
            return self.target
        return absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]


@dataclass(frozen=True)
class Reading:
    """What a stream says. end: `complete`, `incomplete` within a message, `broken`, or `last` when a request ended the
    connection; why: of a broken one; left: bytes that belong to no complete request."""

    requests: tuple[Request, ...]
    end: str
    why: str = ""
    left: bytes = b""


def read_all(data: bytes) -> Reading:
    """Empty lines before a request are skipped (RFC 9112 section 2.2)."""
    requests: list[Request] = []
    at = 0
    while True:
        while data.startswith(b"\r\n", at):
            at += 2
        if at == len(data):
            return Reading(tuple(requests), "complete")
        try:
            request, at = read_request(data, at)
        except Incomplete:
            return Reading(tuple(requests), "incomplete", left=data[at:])
        except Broken as error:
            return Reading(tuple(requests), "broken", str(error), data[at:])
        requests.append(request)
        if request.is_last:
            return Reading(tuple(requests), "last", left=data[at:])


def read_request(data: bytes, at: int = 0) -> tuple[Request, int]:
    """One request and where it ends. Raises Broken, Incomplete."""
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        raise Incomplete
    first, *lines = data[at:end].split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise Broken(f"request line {first[:80]!r}")
    head = Request(match[1], match[2], match[3], read_fields(lines))
    _check_target(head)
    _check_host(head)
    at = end + 4
    if _is_chunked(head):
        body, trailers, at = read_chunks(data, at)
        return Request(head.method, head.target, head.version, head.fields, body, trailers), at
    length = _length(head)
    if len(data) - at < length:
        raise Incomplete
    return Request(head.method, head.target, head.version, head.fields, data[at : at + length]), at + length


def read_fields(lines: list[bytes]) -> Fields:
    fields = []
    for line in lines:
        match = _FIELD_LINE.fullmatch(line)
        if match is None:
            raise Broken(f"field line {line[:80]!r}")
        fields.append((match[1], match[2].strip(b" \t")))
    return tuple(fields)


def read_chunks(data: bytes, at: int) -> tuple[bytes, Fields, int]:
    body = b""
    while True:
        line, at = _line(data, at)
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise Broken(f"chunk size {line[:80]!r}")
        size = int(match[1], 16)
        if size == 0:
            break
        if len(data) < at + size + 2:
            if data[at + size : at + size + 2] not in (b"", b"\r"):
                raise Broken("no CRLF behind a chunk")
            raise Incomplete
        if data[at + size : at + size + 2] != b"\r\n":
            raise Broken("no CRLF behind a chunk")
        body += data[at : at + size]
        at += size + 2
    trailers = []
    while True:
        line, at = _line(data, at)
        if not line:
            return body, read_fields(trailers), at
        trailers.append(line)


def _line(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\r\n", at)
    if end < 0:
        raise Incomplete
    return data[at:end], end + 2


def _check_target(head: Request) -> None:
    target = head.target
    if head.method == b"CONNECT" or b"#" in target:
        raise Broken(f"target {target!r} of {head.method!r}")
    if target.startswith(b"/") or (target == b"*" and head.method == b"OPTIONS"):
        return
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not _AUTHORITY.fullmatch(absolute[1]) or absolute[1].startswith(b":"):
        raise Broken(f"target {target!r}")


def _check_host(head: Request) -> None:
    hosts = head.all(b"host")
    if len(hosts) > 1 or (not hosts and head.version == b"HTTP/1.1"):
        raise Broken(f"{len(hosts)} Hosts")
    if hosts and (not _AUTHORITY.fullmatch(hosts[0]) or hosts[0].startswith(b":")):
        raise Broken(f"Host {hosts[0]!r}")
    if hosts and hosts[0].lower() != head.authority.lower():
        raise Broken("Host differs from the target's")


def _is_chunked(head: Request) -> bool:
    codings = head.all(b"transfer-encoding")
    if not codings:
        return False
    if len(codings) > 1 or codings[0].lower() != b"chunked":
        raise Broken(f"Transfer-Encoding {codings!r}")
    if head.all(b"content-length") or head.version == b"HTTP/1.0":
        raise Broken("Transfer-Encoding where there can be none")
    return True


def _length(head: Request) -> int:
    lengths = head.all(b"content-length")
    if not lengths:
        return 0
    if len(lengths) > 1 or not _DIGITS.fullmatch(lengths[0]):
        raise Broken(f"Content-Length {lengths!r}")
    significant = lengths[0].lstrip(b"0")  # int() takes no more than 4300 digits
    if len(significant) > 20 or int(significant or b"0") >= 1 << 64:
        raise Broken("Content-Length beyond 64 bits")
    return int(significant or b"0")


def read_with_h11(data: bytes) -> Reading:
    """The same question to h11, as a server that answers each request before it reads the next."""
    server = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 24)
    server.receive_data(data)
    requests: list[Request] = []
    head, body = None, b""
    try:
        while True:
            event = server.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                left = server.trailing_data[0]
                return Reading(tuple(requests), "incomplete" if head or left else "complete", left=left)
            if isinstance(event, h11.Request):
                head, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                fields, trailers = tuple(head.headers.raw_items()), tuple(event.headers.raw_items())
                version = b"HTTP/" + head.http_version
                requests.append(Request(head.method, head.target, version, fields, body, trailers))
                head = None
                server.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                server.send(h11.EndOfMessage())
                if server.our_state is h11.MUST_CLOSE:
                    return Reading(tuple(requests), "last", left=server.trailing_data[0])
                server.start_next_cycle()
    except h11.RemoteProtocolError as error:
        return Reading(tuple(requests), "broken", str(error))
