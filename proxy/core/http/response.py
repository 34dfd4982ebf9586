"""Heads of responses: exact bytes in; checked facts and the head for the client out (RFC 9112, over llhttp).

As severe as with requests (`core.http.request`). llhttp leaves to us: two codings, any but `chunked`, HTTP/1.0 with
one, every version but 1.0 and 1.1, status codes that nobody knows, and 1xx with a body.
"""

from __future__ import annotations

import re

import httptools

from proxy.core.errors import BadResponse
from proxy.core.http.field_lines import FieldLines, Reader
from proxy.core.http.framing import (
    CHUNKED,
    MAX_DIGITS,
    UNTIL_CLOSE,
    apply_connection,
    apply_tokens,
    apply_upgrade,
    drop,
)
from proxy.core.http.headers import HOP_BY_HOP, tokens
from proxy.core.http.llhttp import Judge
from proxy.core.keep_alive import timeout_of

_START_OF_RESPONSE = re.compile(rb"HTTP/1\.[01] [1-5][0-9][0-9](?: [^\r\n]*)?(?:\r(?:\n.*)?)?", re.DOTALL)
_STATUS = re.compile(rb"[1-5][0-9][0-9]")  # RFC 9110 section 15
_REASON_PHRASE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")  # RFC 9112 section 4


class ResponseHead:
    """A response head that passed every check, and its form for the client.

    length: of the body as the head alone tells it (what answers HEAD has none): a number, CHUNKED or UNTIL_CLOSE;
    keep_alive: the backend's connection may be used again; idle_timeout: seconds for which it may be idle, if it tells;
    is_final: nothing has to be looked at before it is passed on; upgrade: the protocol of a 101;
    forward: status line and fields, without `Connection`, `Transfer-Encoding` and the blank line;
    persistent: complete, for an HTTP/1.1 client whose connection goes on: nearly every time, so made once.
    """

    __slots__ = ("connection", "forward", "has_length", "idle_timeout", "is_1_1", "is_final", "keep_alive", "length",
                 "persistent", "status", "upgrade")  # fmt: skip

    def __init__(self, status: int, is_1_1: bool) -> None:
        self.status = status
        self.is_1_1 = is_1_1
        self.is_final = status >= 200
        self.idle_timeout: float | None = None
        self.length = UNTIL_CLOSE
        self.has_length = False
        self.connection: tuple[bytes, ...] = ()
        self.keep_alive = is_1_1
        self.upgrade = b""
        self.forward = b""
        self.persistent = b""

    def for_client(self, *, is_1_1: bool, keep_alive: bool) -> bytes:
        """Complete, in the form this client takes (RFC 9112 section 9.3). HTTP/1.0 gets no chunks."""
        if not is_1_1:
            return self.forward + (b"Connection: keep-alive\r\n\r\n" if keep_alive else b"Connection: close\r\n\r\n")
        if keep_alive:
            return self.persistent
        return self.persistent[:-2] + b"Connection: close\r\n\r\n"


class ResponseParser:
    """Parses heads; holds nothing between calls but lines it met and what they mean.

    met_new: the head parsed last had a line that was never met before, so that it is not worth remembering whole.
    max_fields: a head with more is refused.
    """

    def __init__(self, *, max_fields: int = 256) -> None:
        self._max_fields = max_fields
        self._judge = Judge(httptools.HttpResponseParser)
        self._fields = FieldLines(_FIELDS.get)
        self.met_new = False
        self._status_lines: dict[bytes, tuple[int, bool, bytes]] = {}

    def parse(self, data: bytes) -> ResponseHead:
        """data: one head with its blank line and nothing behind it. Raises BadResponse."""
        try:
            self._judge.check(data)
        except httptools.HttpParserError as error:
            raise BadResponse("response-syntax", str(error)) from None
        first, *lines = data[:-2].splitlines(True)
        if len(lines) > self._max_fields:
            raise BadResponse("response-too-many-fields", f"over {self._max_fields} header fields")
        status, is_1_1, status_line = self._status_line(first)
        head = ResponseHead(status, is_1_1)
        passed_on = self._fields.sort(lines, head)
        self.met_new = self._fields.met_new
        if head.connection:
            passed_on = apply_connection(head, passed_on)
        _frame(head, passed_on)
        head.forward = forward = b"".join((status_line, *passed_on))
        head.persistent = forward + (b"Transfer-Encoding: chunked\r\n\r\n" if head.length < 0 else b"\r\n")
        if not head.keep_alive:
            self._judge.forget()
        return head

    def _status_line(self, line: bytes) -> tuple[int, bool, bytes]:
        """Status, whether HTTP/1.1, and the line for the client. A backend has a dozen of them: remembered."""
        known = self._status_lines.get(line)
        if known is None:
            if len(self._status_lines) >= 256:
                self._status_lines.clear()
            known = self._status_lines[line] = _check_status_line(line)
        return known


def could_be_response(data: bytes) -> bool:
    """The same of a backend's answer."""
    data += b"HTTP/1.1 200"[len(data) :]
    return _START_OF_RESPONSE.fullmatch(data) is not None and data.count(b"\n") == data.count(b"\r\n")


def _check_status_line(line: bytes) -> tuple[int, bool, bytes]:
    version, _, rest = line.removesuffix(b"\r\n").partition(b" ")
    status, _, reason = rest.partition(b" ")
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or not _STATUS.fullmatch(status):
        raise BadResponse("response-status-line", f"no HTTP/1 status line: {line[:40]!r}")
    if not _REASON_PHRASE.fullmatch(reason):
        reason = b""
    return int(status), version == b"HTTP/1.1", b"HTTP/1.1 %b %b\r\n" % (status, reason)


# ---------------------------------------------------------------------- fields: prepared once per line, then applied


def _length(value: bytes) -> int:
    if len(value) > MAX_DIGITS:
        raise BadResponse("response-content-length", f"over {MAX_DIGITS} digits")
    return int(value)


def _apply_length(head: ResponseHead, length: int) -> None:
    head.length = length
    head.has_length = True


def _coding(value: bytes) -> bytes:
    if value.lower() != b"chunked":
        raise BadResponse("response-transfer-encoding", "only chunked is understood")
    return value


def _apply_coding(head: ResponseHead, value: bytes) -> None:
    if not head.is_1_1:
        raise BadResponse("response-transfer-encoding", "HTTP/1.0 has no transfer codings")
    if head.length == CHUNKED:  # llhttp refuses a second one in requests only
        raise BadResponse("response-transfer-encoding", "chunked twice")
    head.length = CHUNKED


def _apply_idle_timeout(head: ResponseHead, seconds: float) -> None:
    head.idle_timeout = seconds


_FIELDS: dict[bytes, Reader] = {
    **dict.fromkeys(HOP_BY_HOP, Reader(bytes, drop)),
    b"keep-alive": Reader(timeout_of, _apply_idle_timeout),
    b"connection": Reader(tokens, apply_tokens),
    b"content-length": Reader(_length, _apply_length),
    b"transfer-encoding": Reader(_coding, _apply_coding),
    b"upgrade": Reader(bytes.lower, apply_upgrade),
}


def _frame(head: ResponseHead, lines: list[bytes]) -> None:
    """Which responses have no body whatever they say, and which length is passed on (RFC 9112 section 6.3)."""
    if head.status < 200 or head.status == 204:
        if head.length not in (0, UNTIL_CLOSE):
            if head.status < 200:  # what it takes for this body we should take for the response
                raise BadResponse("response-interim-body", f"{head.status} with a body")
            head.keep_alive = False  # a body may follow all the same, to be taken for the next response
        head.length = 0
    elif head.has_length:
        lines.append(b"Content-Length: %d\r\n" % head.length)
    if head.status == 304:
        head.length = 0
    if head.status == 101:
        lines += (b"Connection: upgrade\r\nUpgrade: ", head.upgrade, b"\r\n")
    if head.length == UNTIL_CLOSE:
        head.keep_alive = False
