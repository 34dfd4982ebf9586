"""HTTP/1.1 heads: exact bytes in; checked facts and the rewritten head out (RFC 9112, over llhttp).

llhttp, all leniencies off, refuses bare CR and LF, NUL and other control bytes, obs-fold, a space before a colon,
signs, blanks and lists in Content-Length, two Content-Lengths, and Content-Length beside Transfer-Encoding. It leaves
to us, and this module adds: exactly one Host, its syntax, absolute-form against Host, any coding but `chunked`,
HTTP/1.0 with a coding, every version but 1.0 and 1.1, doubled spaces in the request line, white space behind a value,
CONNECT. It is fed whole heads only, never a byte behind the blank line, because it cannot stop between pipelined
messages nor say where one ended; bodies are counted or decoded by us.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httptools

from proxy.core.errors import BadRequest, BadResponse, ProxyError
from proxy.core.headers import FORWARDING, HOP_BY_HOP, tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class _Parser(Protocol):
        def feed_data(self, data: bytes) -> None: ...

    Handler = Callable[..., None]

CHUNKED = -1  # the length of a body that comes in chunks
UNTIL_CLOSE = -2  # the length of a response body that ends with its connection
END_OF_HEAD = b"\r\n\r\n"

_HOST_SYNTAX = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_ABSOLUTE_FORM = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_START_OF_REQUEST = re.compile(rb"[A-Z][A-Z-]{0,31}(?: .*)?", re.DOTALL)
_STATUS = re.compile(rb"[1-9][0-9][0-9]")
_REASON_PHRASE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")  # RFC 9112 section 4
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"})  # RFC 9110 section 9.2.2


class RequestHead:
    """A request head that passed every check, and its form for the backend.

    target: origin-form or `*`, as sent on; host: as sent, b"" when HTTP/1.0 sent none;
    length: of the body, 0 without one, or CHUNKED; is_1_1: the client speaks HTTP/1.1; keep_alive: the client's
    connection may go on after it; upgrade: the allowed protocol it asks for, lower case, or b"";
    is_idempotent: repeating it is safe (RFC 9110 section 9.2.2);
    forward: the head for the backend but for the fields about the client and the blank line.
    """

    __slots__ = ("connection", "expects_100", "forward", "host", "is_1_1", "is_head", "is_idempotent", "keep_alive",
                 "length", "method", "target", "upgrade")  # fmt: skip

    def __init__(self, method: bytes, target: bytes, is_1_1: bool) -> None:
        self.method = method
        self.target = target
        self.is_1_1 = is_1_1
        self.is_head = method == b"HEAD"
        self.is_idempotent = method in _IDEMPOTENT
        self.host: bytes | None = None
        self.length = 0
        self.connection: list[bytes] = []
        self.keep_alive = is_1_1
        self.expects_100 = False
        self.upgrade = b""
        self.forward = b""

    @property
    def is_cacheable(self) -> bool:
        """The same bytes ask for the same thing: nothing follows the head, and no state of the connection changes."""
        return self.length == 0 and not self.upgrade and not self.expects_100

    @property
    def path(self) -> bytes:
        """The target up to its query: what routes compare."""
        return self.target.partition(b"?")[0]


class ResponseHead:
    """A response head that passed every check, and its form for the client.

    length: of the body as the head alone tells it (what answers HEAD has none): a number, CHUNKED or UNTIL_CLOSE;
    keep_alive: the backend's connection may be used again; upgrade: the protocol of a 101;
    forward: status line and fields, without `Connection`, `Transfer-Encoding` and the blank line;
    persistent: complete, for an HTTP/1.1 client whose connection goes on: nearly every time, so made once.
    """

    __slots__ = ("connection", "forward", "has_length", "is_1_1", "keep_alive", "length", "persistent", "status",
                 "upgrade")  # fmt: skip

    def __init__(self, status: int, is_1_1: bool) -> None:
        self.status = status
        self.is_1_1 = is_1_1
        self.length = UNTIL_CLOSE
        self.has_length = False
        self.connection: list[bytes] = []
        self.keep_alive = is_1_1
        self.upgrade = b""
        self.forward = b""
        self.persistent = b""

    @property
    def is_interim(self) -> bool:
        """100 to 199: another head follows (RFC 9110 section 15.2). A 101 is the last, what follows is no HTTP."""
        return self.status < 200

    def for_client(self, *, is_1_1: bool, keep_alive: bool) -> bytes:
        """Complete, in the form this client takes (RFC 9112 section 9.3). HTTP/1.0 gets no chunks."""
        if not is_1_1:
            return self.forward + (b"Connection: keep-alive\r\n\r\n" if keep_alive else b"Connection: close\r\n\r\n")
        if keep_alive:
            return self.persistent
        return self.persistent[:-2] + b"Connection: close\r\n\r\n"


class HeadParser:
    """Parses heads; holds nothing between calls but the spellings of field names it met.

    max_fields: a head with more is refused. upgrades: the protocols that may pass, all others' fields are dropped.
    About 5 us for a request of ten fields on one core, 1.6 of them in llhttp; `core.head_cache` saves repeated ones.
    """

    def __init__(self, *, max_fields: int = 100, upgrades: tuple[str, ...] = ("websocket",)) -> None:
        self._upgrades = frozenset(name.lower().encode() for name in upgrades)
        self._requests = _FieldReader(httptools.HttpRequestParser, _ON_REQUEST_FIELD, max_fields)
        self._responses = _FieldReader(httptools.HttpResponseParser, _ON_RESPONSE_FIELD, max_fields)
        self._status_lines: dict[bytes, tuple[int, bool, bytes]] = {}

    def request(self, data: bytes) -> RequestHead:
        """data: one head with its blank line and nothing behind it. Raises BadRequest."""
        head = _request_line(data)
        try:
            lines = self._requests.read(data, head)
        except httptools.HttpParserInvalidMethodError as error:
            raise BadRequest("method", str(error), status=501) from None
        except httptools.HttpParserError as error:
            raise BadRequest("syntax", str(error)) from None
        if lines is None:
            raise BadRequest("too-many-fields", f"over {self._requests.max_fields} header fields", status=431)
        if head.connection:
            lines = _without_named(lines, head.connection)
            head.keep_alive = _is_persistent(head)
        if head.upgrade:
            self._grant_upgrade(head, lines)
        _frame_request(head, lines)
        host = _check_host(head)
        head.forward = b"".join(
            (head.method, b" ", head.target, b" HTTP/1.1\r\nHost: ", host, b"\r\n", *lines, b"X-Forwarded-Host: ",
             host, b"\r\nVia: 1.1 rproxy\r\n")
        )  # fmt: skip
        return head

    def response(self, data: bytes) -> ResponseHead:
        """data: one head with its blank line and nothing behind it. Raises BadResponse."""
        status, is_1_1, status_line = self._status_line(data)
        head = ResponseHead(status, is_1_1)
        try:
            lines = self._responses.read(data, head)
        except httptools.HttpParserError as error:
            raise BadResponse("response-syntax", str(error)) from None
        if lines is None:
            raise BadResponse("response-too-many-fields", f"over {self._responses.max_fields} header fields")
        if head.connection:
            lines = _without_named(lines, head.connection)
            head.keep_alive = _is_persistent(head)
        _frame_response(head, lines)
        head.forward = b"".join((status_line, *lines))
        framing = b"Transfer-Encoding: chunked\r\n" if head.length < 0 else b""
        head.persistent = head.forward + framing + b"\r\n"
        return head

    def _grant_upgrade(self, head: RequestHead, lines: list[bytes]) -> None:
        """An upgrade that may not pass is left out, as if it had not been asked for (RFC 9110 section 7.8)."""
        asks_properly = b"upgrade" in head.connection and head.is_1_1 and head.length == 0
        if asks_properly and head.upgrade in self._upgrades:
            lines += (b"Connection: upgrade\r\nUpgrade: ", head.upgrade, b"\r\n")
        else:
            head.upgrade = b""

    def _status_line(self, data: bytes) -> tuple[int, bool, bytes]:
        """Status, whether HTTP/1.1, and the line for the client. A backend has a dozen of them: remembered."""
        line = data[: data.index(b"\r\n")]
        known = self._status_lines.get(line)
        if known is None:
            if len(self._status_lines) >= 256:
                self._status_lines.clear()
            known = self._status_lines[line] = _check_status_line(line)
        return known


class _FieldReader:
    """Drives llhttp over one head after another and sorts its fields.

    max_fields: with more, `read` returns None. The parser object is used again as long as every head ends its message
    (no body, connection kept): 0.5 us saved; in every other case it may wait for a body, and a new one is made.
    """

    __slots__ = ("_append", "_handlers", "_head", "_is_done", "_lines", "_new_parser", "_parser", "_seen", "max_fields")

    def __init__(
        self, new_parser: Callable[[object], _Parser], handlers: dict[bytes, Handler | None], max_fields: int
    ) -> None:
        self.max_fields = max_fields
        self._new_parser = new_parser
        self._handlers = _Handlers(handlers)
        self._lines: list[bytes] = []
        self._append = self._lines.extend
        self._head: RequestHead | ResponseHead | None = None
        self._is_done = False
        self._seen = 0
        self._parser: _Parser | None = None

    def read(self, data: bytes, head: RequestHead | ResponseHead) -> list[bytes] | None:
        """The lines of the fields that are passed on, four parts each; the others went to their handlers, in order.

        Raises what httptools raises, and what the handlers raise."""
        self._lines.clear()
        self._head, self._is_done, self._seen = head, False, 0
        parser, self._parser = self._parser or self._new_parser(self), None
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return self._result()  # the client's wish, or the backend's 101: who grants it is decided elsewhere
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, ProxyError):
                raise error.__context__ from None
            raise
        if self._is_done and head.is_1_1 and b"close" not in head.connection:
            self._parser = parser  # should_keep_alive() cannot tell: llhttp forgets the field when the message ends
        return self._result()

    def _result(self) -> list[bytes] | None:
        self._head = None
        too_many = self._seen + len(self._lines) // 4 > self.max_fields
        return None if too_many else self._lines.copy()

    def on_header(self, name: bytes, value: bytes) -> None:
        handler = self._handlers[name]
        if handler is None:
            self._append((name, b": ", value.rstrip(b" \t"), b"\r\n"))  # llhttp leaves white space behind a value
        else:
            self._seen += 1
            handler(self._head, value.rstrip(b" \t"))

    def on_message_complete(self) -> None:
        self._is_done = True


class _Handlers(dict[bytes, "Handler | None"]):
    """What is done with a field, by the exact spelling of its name (`Host`, `host`); None: it is passed on as it is.

    A program spells a name one way, so that remembering spellings saves a `lower()` per field: 0.5 us of a request of
    ten. Bounded, since names come from strangers.
    """

    LIMIT = 1024

    def __missing__(self, name: bytes) -> Handler | None:
        handler = self.get(name.lower())
        if len(self) < self.LIMIT:
            self[name] = handler
        return handler


def could_be_request(data: bytes) -> bool:
    """False once the first bytes of a head still incomplete can no longer become one: TLS, another protocol, bare LF.

    Without it garbage would be waited on until the head's deadline.
    """
    return _START_OF_REQUEST.fullmatch(data) is not None and data.count(b"\n") == data.count(b"\r\n")


# ---------------------------------------------------------------------- start lines


def _request_line(data: bytes) -> RequestHead:
    parts = data[: data.index(b"\r\n")].split(b" ")
    if len(parts) != 3:  # llhttp tolerates several spaces
        raise BadRequest("request-line", "not exactly one space between method, target and version")
    method, target, version = parts
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise BadRequest("version", f"{version.decode('latin-1')} is not served", status=505)
    if method == b"CONNECT":
        raise BadRequest("method", "CONNECT is for forward proxies", status=501)
    if (target == b"*") != (method == b"OPTIONS" and target == b"*") or b"#" in target:
        raise BadRequest("target", f"{target.decode('latin-1')!r} is no target for {method.decode()}")
    return RequestHead(method, target, version == b"HTTP/1.1")


def _check_status_line(line: bytes) -> tuple[int, bool, bytes]:
    version, _, rest = line.partition(b" ")
    status, _, reason = rest.partition(b" ")
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or not _STATUS.fullmatch(status):
        raise BadResponse("response-status-line", f"no HTTP/1 status line: {line[:40]!r}")
    if not _REASON_PHRASE.fullmatch(reason):
        reason = b""
    return int(status), version == b"HTTP/1.1", b"HTTP/1.1 %b %b\r\n" % (status, reason)


# ---------------------------------------------------------------------- fields


def _drop(head: RequestHead | ResponseHead, value: bytes) -> None:
    """A field that goes no further."""


def _on_host(head: RequestHead, value: bytes) -> None:
    if head.host is not None:
        raise BadRequest("two-hosts", "more than one Host field")
    head.host = value


def _on_connection(head: RequestHead | ResponseHead, value: bytes) -> None:
    head.connection += tokens(value)


def _on_upgrade(head: RequestHead | ResponseHead, value: bytes) -> None:
    head.upgrade = value.lower()


def _on_expect(head: RequestHead, value: bytes) -> None:
    if value.lower() != b"100-continue":
        raise BadRequest("expectation", "only 100-continue can be expected", status=417)
    head.expects_100 = True


def _on_request_length(head: RequestHead, value: bytes) -> None:
    head.length = int(value)


def _on_request_coding(head: RequestHead, value: bytes) -> None:
    if value.lower() != b"chunked":
        raise BadRequest("transfer-encoding", "only chunked is understood", status=501)
    if not head.is_1_1:
        raise BadRequest("transfer-encoding", "HTTP/1.0 has no transfer codings")
    head.length = CHUNKED


def _on_response_length(head: ResponseHead, value: bytes) -> None:
    head.length = int(value)
    head.has_length = True


def _on_response_coding(head: ResponseHead, value: bytes) -> None:
    if value.lower() != b"chunked" or not head.is_1_1:
        raise BadResponse("response-transfer-encoding", "only chunked, and only in HTTP/1.1, is understood")
    head.length = CHUNKED


_ON_REQUEST_FIELD: dict[bytes, Handler | None] = {
    **dict.fromkeys(HOP_BY_HOP | FORWARDING, _drop),
    b"host": _on_host,
    b"connection": _on_connection,
    b"content-length": _on_request_length,
    b"transfer-encoding": _on_request_coding,
    b"upgrade": _on_upgrade,
    b"expect": _on_expect,
}
_ON_RESPONSE_FIELD: dict[bytes, Handler | None] = {
    **dict.fromkeys(HOP_BY_HOP, _drop),
    b"connection": _on_connection,
    b"content-length": _on_response_length,
    b"transfer-encoding": _on_response_coding,
    b"upgrade": _on_upgrade,
}


def _without_named(lines: list[bytes], connection: list[bytes]) -> list[bytes]:
    """`lines` without the fields that `Connection` names: they were meant for us alone (RFC 9110 section 7.6.1)."""
    named = {token for token in connection if token not in (b"close", b"keep-alive", b"upgrade")}
    if not named:
        return lines
    fields = (lines[i : i + 4] for i in range(0, len(lines), 4))
    return [part for field in fields if field[0].lower() not in named for part in field]


def _is_persistent(head: RequestHead | ResponseHead) -> bool:
    """RFC 9112 section 9.3."""
    if b"close" in head.connection:
        return False
    return head.is_1_1 or b"keep-alive" in head.connection


# ---------------------------------------------------------------------- framing and routing


def _frame_request(head: RequestHead, lines: list[bytes]) -> None:
    if head.length == CHUNKED:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    elif head.length or head.method in (b"POST", b"PUT", b"PATCH"):
        lines.append(b"Content-Length: %d\r\n" % head.length)
    if head.expects_100:
        lines.append(b"Expect: 100-continue\r\n")


def _frame_response(head: ResponseHead, lines: list[bytes]) -> None:
    """Which responses have no body whatever they say, and which length is passed on (RFC 9112 section 6.3)."""
    if head.status < 200 or head.status == 204:
        if head.has_length and head.length:
            head.keep_alive = False  # whoever believed that length would read the next response as its body
        head.length = 0
    elif head.has_length:
        lines.append(b"Content-Length: %d\r\n" % head.length)
    if head.status == 304:
        head.length = 0
    if head.status == 101:
        lines += (b"Connection: upgrade\r\nUpgrade: ", head.upgrade, b"\r\n")
    if head.length == UNTIL_CLOSE:
        head.keep_alive = False


def _check_host(head: RequestHead) -> bytes:
    """The Host for the backend; makes an absolute target origin-form (RFC 9112 sections 3.2 and 3.2.2)."""
    host = head.host
    if host is None and head.is_1_1:
        raise BadRequest("no-host", "HTTP/1.1 requires a Host field")
    if host and not _HOST_SYNTAX.fullmatch(host):
        raise BadRequest("host-syntax", "the Host field is not a host name with an optional port")
    if not head.target.startswith(b"/") and head.target != b"*":
        absolute = _ABSOLUTE_FORM.fullmatch(head.target)
        if not absolute or not _HOST_SYNTAX.fullmatch(absolute[1]):
            raise BadRequest("target", "the request target is neither a path nor an http URL")
        if host is not None and absolute[1].lower() != host.lower():
            raise BadRequest("host-differs", "the request target names another host than the Host field")
        host = absolute[1]
        rest = absolute[2]
        head.target = rest if rest.startswith(b"/") else b"/" + rest
    head.host = host or b""
    return head.host or b"localhost"
