"""HTTP/1.1 heads: exact bytes in; checked facts and the rewritten head out (RFC 9112, over llhttp).

llhttp, all leniencies off, refuses bare CR and LF, NUL and other control bytes, obs-fold, a space before a colon,
signs, blanks and lists in Content-Length, two Content-Lengths, and Content-Length beside Transfer-Encoding. It leaves
to us, and this module adds: exactly one Host, its syntax, absolute-form against Host, the form of the target, any
coding but `chunked`, HTTP/1.0 with a coding, every version but 1.0 and 1.1, doubled spaces and line ends before the
request line, white space behind a value, CONNECT, fields that may come once only, fields that `Connection` may not
name, names that look like ours (`core.http.field_names`), h2c, and 1xx with a body.
Bodies are counted or decoded by us as well (`core.http.chunked`): llhttp cannot say where one ended.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httptools

from proxy.core.errors import BadRequest, BadResponse
from proxy.core.http.field_lines import FieldLines, without_named
from proxy.core.http.field_names import Underscores, fate
from proxy.core.http.headers import (
    FORWARDING,
    HEARSAY,
    HOP_BY_HOP,
    NEVER_FOR_ONE_HOP,
    NEVER_UPGRADED,
    OF_ALL_FORWARDING,
    tokens,
)
from proxy.core.http.llhttp import Judge
from proxy.core.keep_alive import timeout_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.client.claims import Claims
    from proxy.core.http.field_lines import Reader

    FindReader = Callable[[bytes, Underscores], Reader | None]

CHUNKED = -1  # the length of a body that comes in chunks
UNTIL_CLOSE = -2  # the length of a response body that ends with its connection
END_OF_HEAD = b"\r\n\r\n"
MAX_DIGITS = 100  # of a Content-Length; llhttp refuses values over 2**64 - 1 but bears with any number of zeros before

HOST_SYNTAX = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
# Not `"`, `<`, `>` and, in a path, `\` (a `/` to some). Browsers send `|^{}[]` and the backtick as they are, and a `\`
# in a query (WHATWG URL, percent-encode sets), so these pass. No fragment: it is not for servers.
_PATH = rb"/[!$-;=@-\[\]-~]*(?:\?[!$-;=?-~]*)?"
_ORIGIN_FORM = re.compile(_PATH)
# All but CONNECT; `*` stands alone (RFC 9112 section 3.2). One match costs 0.3 us less than taking the line apart.
_REQUEST_LINE = re.compile(
    rb"(?!CONNECT )([A-Z][A-Z-]*) (%b|(?i:https?)://[!\"$-~]+|(?<=\AOPTIONS )\*) HTTP/1\.([01])\r\n" % _PATH
)
_OTHER_VERSION = re.compile(rb"[A-Z-]+ [!-~]+ HTTP/(?!1\.[01])[0-9]\.[0-9]\r\n")
_ABSOLUTE_FORM = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_START_OF_REQUEST = re.compile(rb"[A-Z][A-Z-]{0,31}(?: [!-~]*(?: [!-~]*(?:\r(?:\n.*)?)?)?)?", re.DOTALL)
_START_OF_RESPONSE = re.compile(rb"HTTP/1\.[01] [1-5][0-9][0-9](?: [^\r\n]*)?(?:\r(?:\n.*)?)?", re.DOTALL)
_EMPTY_LINES = re.compile(rb"(?:\r\n)*")
_STATUS = re.compile(rb"[1-5][0-9][0-9]")  # RFC 9110 section 15
_REASON_PHRASE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")  # RFC 9112 section 4
_VIA = b"Via: 1.1 rproxy\r\n"
_CONNECTION_OPTIONS = {b"close", b"keep-alive", b"upgrade"}  # that are no field names
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"})  # RFC 9110 section 9.2.2


class RequestHead:
    """A request head that passed every check, and its form for the backend.

    target: origin-form or `*`, as sent on; host: as sent, b"" when HTTP/1.0 sent none; once: fields that may come once;
    takes_trailers: it can be sent trailers (RFC 9110 section 6.5.1);
    claims: what it says of proxies and clients before it, where that is believed (core/client/claims.py);
    length: of the body, 0 without one, or CHUNKED; is_1_1: the client speaks HTTP/1.1; keep_alive: the client's
    connection may go on after it; upgrade: the allowed protocol it asks for, lower case, or b"";
    forward: the head for the backend but for the fields about the client and the blank line;
    log_text: what the access log made of it, kept because heads are.
    """

    __slots__ = ("claims", "connection", "expects_100", "forward", "host", "is_1_1", "is_head", "keep_alive", "length",
                 "log_text", "method", "once", "takes_trailers", "target", "upgrade")  # fmt: skip

    def __init__(self, method: bytes, target: bytes, is_1_1: bool) -> None:
        self.method = method
        self.target = target
        self.is_1_1 = is_1_1
        self.is_head = method == b"HEAD"
        self.host: bytes | None = None
        self.length = 0
        self.connection: tuple[bytes, ...] = ()
        self.keep_alive = is_1_1
        self.expects_100 = False
        self.claims: Claims | None = None
        self.once: tuple[bytes, ...] = ()
        self.takes_trailers = False
        self.upgrade = b""
        self.forward = b""
        self.log_text = ""

    def copy(self, forward: bytes) -> RequestHead:
        """The same request with another head for the backend."""
        head = RequestHead(self.method, self.target, self.is_1_1)
        head.claims = self.claims
        head.host, head.length, head.connection = self.host, self.length, self.connection
        head.keep_alive, head.expects_100, head.upgrade = self.keep_alive, self.expects_100, self.upgrade
        head.takes_trailers, head.forward = self.takes_trailers, forward
        return head

    @property
    def is_idempotent(self) -> bool:
        """Repeating it does no more than doing it once (RFC 9110 section 9.2.2)."""
        return self.method in _IDEMPOTENT


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


class HeadParser:
    """Parses heads; holds nothing between calls but lines it met and what they mean.

    tells_host: X-Forwarded-Host is added. find_reader: how request fields are read, by lower-case name; another one
    where the client is believed.
    met_new: the head parsed last had a line that was never met before, so that it is not worth remembering whole.
    max_fields: a head with more is refused. upgrades: the protocols that may pass, all others' fields are dropped, and
    HTTP/2 whatever is said. underscores: what becomes of request fields with `_` in their name (`field_names`).
    """

    def __init__(
        self,
        *,
        max_fields: int = 100,
        upgrades: tuple[str, ...] = ("websocket",),
        underscores: Underscores = "drop",
        tells_host: bool = True,
        find_reader: FindReader | None = None,
    ) -> None:
        find = find_reader or find_request_reader
        self._tells_host = tells_host
        self._max_fields = max_fields
        wanted = (name.lower().encode() for name in upgrades)
        self._upgrades = frozenset(name for name in wanted if not name.startswith(NEVER_UPGRADED))
        self._request_judge = Judge(httptools.HttpRequestParser)
        self._response_judge = Judge(httptools.HttpResponseParser)
        self._request_fields = FieldLines(lambda name: find(name, underscores))
        self._response_fields = FieldLines(_RESPONSE_FIELDS.get)
        self.met_new = False
        self._status_lines: dict[bytes, tuple[int, bool, bytes]] = {}

    def request(self, data: bytes) -> RequestHead:
        """data: one head with its blank line and nothing behind it. Raises BadRequest."""
        try:
            self._request_judge.check(data)
        except httptools.HttpParserInvalidMethodError as error:
            raise BadRequest("method", str(error), status=501 if could_be_request(data) else 400) from None
        except httptools.HttpParserError as error:
            if _OTHER_VERSION.match(data):  # llhttp knows 0.9, 1.0, 1.1 and 2.0
                raise BadRequest("version", "only HTTP/1.0 and HTTP/1.1 are served", status=505) from None
            raise BadRequest("syntax", str(error)) from None
        line = _REQUEST_LINE.match(data)
        if line is None:
            raise _bad_request_line(data)
        method, target, minor = line.groups()
        lines = data[line.end() : -2].splitlines(True)  # 0.2 us less than split, which leaves three parts to delete
        if len(lines) > self._max_fields:
            raise BadRequest("too-many-fields", f"over {self._max_fields} header fields", status=431)
        head = RequestHead(method, target, minor == b"1")
        passed_on = self._request_fields.sort(lines, head)
        self.met_new = self._request_fields.met_new
        if head.connection:
            passed_on = _apply_connection(head, passed_on)
        if head.upgrade:
            self._grant_upgrade(head, passed_on)
        _frame_request(head, passed_on)
        host = _check_host(head)
        passed_on.append(b"X-Forwarded-Host: %b\r\n%b" % (host, _VIA) if self._tells_host else _VIA)
        head.forward = b"".join((method, b" ", head.target, b" HTTP/1.1\r\nHost: ", host, b"\r\n", *passed_on))
        if not head.keep_alive:
            self._request_judge.forget()
        return head

    def response(self, data: bytes) -> ResponseHead:
        """data: one head with its blank line and nothing behind it. Raises BadResponse."""
        try:
            self._response_judge.check(data)
        except httptools.HttpParserError as error:
            raise BadResponse("response-syntax", str(error)) from None
        first, *lines = data[:-2].splitlines(True)
        if len(lines) > self._max_fields:
            raise BadResponse("response-too-many-fields", f"over {self._max_fields} header fields")
        status, is_1_1, status_line = self._status_line(first)
        head = ResponseHead(status, is_1_1)
        passed_on = self._response_fields.sort(lines, head)
        self.met_new = self._response_fields.met_new
        if head.connection:
            passed_on = _apply_connection(head, passed_on)
        _frame_response(head, passed_on)
        head.forward = forward = b"".join((status_line, *passed_on))
        head.persistent = forward + (b"Transfer-Encoding: chunked\r\n\r\n" if head.length < 0 else b"\r\n")
        if not head.keep_alive:
            self._response_judge.forget()
        return head

    def _grant_upgrade(self, head: RequestHead, lines: list[bytes]) -> None:
        """An upgrade that may not pass is left out, as if it had not been asked for (RFC 9110 section 7.8)."""
        asks_properly = b"upgrade" in head.connection and head.is_1_1 and head.length == 0
        if asks_properly and head.upgrade in self._upgrades:
            lines.append(b"Connection: upgrade\r\nUpgrade: %b\r\n" % head.upgrade)
        else:
            head.upgrade = b""

    def _status_line(self, line: bytes) -> tuple[int, bool, bytes]:
        """Status, whether HTTP/1.1, and the line for the client. A backend has a dozen of them: remembered."""
        known = self._status_lines.get(line)
        if known is None:
            if len(self._status_lines) >= 256:
                self._status_lines.clear()
            known = self._status_lines[line] = _check_status_line(line)
        return known


def skip_empty_lines(data: bytes) -> bytes:
    """An empty line before a request is borne with, whole ones only (RFC 9112 section 2.2)."""
    return data[_EMPTY_LINES.match(data).end() :]  # type: ignore[union-attr] # it matches b"" too


def could_be_request(data: bytes) -> bool:
    """False once the first bytes of a head still incomplete can no longer become one: TLS, HTTP/0.9, another protocol,
    bare LF. (A CR may be half of an empty line.)

    Without it garbage would be waited on until the head's deadline.
    """
    if data == b"\r":
        return True
    return _START_OF_REQUEST.fullmatch(data) is not None and data.count(b"\n") == data.count(b"\r\n")


def could_be_response(data: bytes) -> bool:
    """The same of a backend's answer."""
    data += b"HTTP/1.1 200"[len(data) :]
    return _START_OF_RESPONSE.fullmatch(data) is not None and data.count(b"\n") == data.count(b"\r\n")


# ---------------------------------------------------------------------- start lines


def _bad_request_line(data: bytes) -> BadRequest:
    """What is wrong with a line that llhttp accepted and we do not."""
    parts = data.partition(b"\r\n")[0].split(b" ")
    if len(parts) != 3:  # llhttp tolerates several spaces
        return BadRequest("request-line", "not exactly one space between method, target and version")
    method, target, version = parts
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        return BadRequest("version", f"{version.decode('latin-1')} is not served", status=505)
    if method == b"CONNECT":
        return BadRequest("method", "CONNECT is for forward proxies", status=501)
    if not method[:1].isalpha():
        return BadRequest("request-line", "this does not begin with a method")
    return BadRequest("target", f"{target.decode('latin-1')!r} is no target for {method.decode()}")


def _check_status_line(line: bytes) -> tuple[int, bool, bytes]:
    version, _, rest = line.removesuffix(b"\r\n").partition(b" ")
    status, _, reason = rest.partition(b" ")
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or not _STATUS.fullmatch(status):
        raise BadResponse("response-status-line", f"no HTTP/1 status line: {line[:40]!r}")
    if not _REASON_PHRASE.fullmatch(reason):
        reason = b""
    return int(status), version == b"HTTP/1.1", b"HTTP/1.1 %b %b\r\n" % (status, reason)


# ---------------------------------------------------------------------- fields: prepared once per line, then applied


def _drop(head: RequestHead | ResponseHead, value: bytes) -> None:
    """A field that goes no further."""


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
    same (`_apply_connection`), and the rest is the backend's own."""
    named = tokens(value)
    for name in named:
        if name in NEVER_FOR_ONE_HOP or name.startswith(OF_ALL_FORWARDING):
            raise BadRequest("connection-names", f"{name.decode('latin-1')} is not for one connection only")
    return named


def _apply_tokens(head: RequestHead | ResponseHead, tokens: list[bytes]) -> None:
    head.connection = (*head.connection, *tokens)


def _apply_upgrade(head: RequestHead | ResponseHead, protocol: bytes) -> None:
    head.upgrade = protocol


def _te(value: bytes) -> bool:
    return b"trailers" in tokens(value)


def _apply_te(head: RequestHead, takes_trailers: bool) -> None:
    """Ours to the backend is not what the client sent: whatever its codings, we take trailers, if the client does."""
    head.takes_trailers = takes_trailers and head.is_1_1


def _once(name: bytes) -> Reader:
    """Of two, one backend takes the first and another the last, and who checked the request need not have been the same
    sort. nginx refuses these as well."""

    def apply(head: RequestHead, value: bytes) -> bool:
        if name in head.once:
            raise BadRequest("twice", f"more than one {name.decode()} field")
        head.once = (*head.once, name)
        return True

    return bytes, apply


def _refuse_underscore(value: bytes) -> bytes:
    raise BadRequest("underscore", "a field name has '_' in it")


def _expectation(value: bytes) -> bytes:
    if value.lower() != b"100-continue":
        raise BadRequest("expectation", "only 100-continue can be expected", status=417)
    return value


def _apply_expectation(head: RequestHead, value: bytes) -> None:
    head.expects_100 = True


def _request_length(value: bytes) -> int:
    if len(value) > MAX_DIGITS:
        raise BadRequest("content-length", f"over {MAX_DIGITS} digits")
    return int(value)


def _apply_request_length(head: RequestHead, length: int) -> None:
    head.length = length


def _request_coding(value: bytes) -> bytes:
    if value.lower() != b"chunked":
        raise BadRequest("transfer-encoding", "only chunked is understood", status=501)
    return value


def _apply_request_coding(head: RequestHead, value: bytes) -> None:
    if not head.is_1_1:
        raise BadRequest("transfer-encoding", "HTTP/1.0 has no transfer codings")
    head.length = CHUNKED


def _response_length(value: bytes) -> int:
    if len(value) > MAX_DIGITS:
        raise BadResponse("response-content-length", f"over {MAX_DIGITS} digits")
    return int(value)


def _apply_response_length(head: ResponseHead, length: int) -> None:
    head.length = length
    head.has_length = True


def _response_coding(value: bytes) -> bytes:
    if value.lower() != b"chunked":
        raise BadResponse("response-transfer-encoding", "only chunked is understood")
    return value


def _apply_response_coding(head: ResponseHead, value: bytes) -> None:
    if not head.is_1_1:
        raise BadResponse("response-transfer-encoding", "HTTP/1.0 has no transfer codings")
    if head.length == CHUNKED:  # llhttp refuses a second one in requests only
        raise BadResponse("response-transfer-encoding", "chunked twice")
    head.length = CHUNKED


def _apply_idle_timeout(head: ResponseHead, seconds: float) -> None:
    head.idle_timeout = seconds


_REQUEST_FIELDS: dict[bytes, Reader] = {
    **dict.fromkeys(HOP_BY_HOP | FORWARDING | HEARSAY, (bytes, _drop)),
    b"host": (_host, _apply_host),
    b"connection": (_connection, _apply_tokens),
    b"te": (_te, _apply_te),
    **{name: _once(name) for name in (b"authorization", b"content-type", b"range")},
    b"content-length": (_request_length, _apply_request_length),
    b"transfer-encoding": (_request_coding, _apply_request_coding),
    b"upgrade": (bytes.lower, _apply_upgrade),
    b"expect": (_expectation, _apply_expectation),
}
_RESPONSE_FIELDS: dict[bytes, Reader] = {
    **dict.fromkeys(HOP_BY_HOP, (bytes, _drop)),
    b"keep-alive": (timeout_of, _apply_idle_timeout),
    b"connection": (tokens, _apply_tokens),
    b"content-length": (_response_length, _apply_response_length),
    b"transfer-encoding": (_response_coding, _apply_response_coding),
    b"upgrade": (bytes.lower, _apply_upgrade),
}
_DROPPED: Reader = (bytes, _drop)
_REFUSED: Reader = (_refuse_underscore, _drop)


def find_request_reader(name: bytes, underscores: Underscores) -> Reader | None:
    """name: lower case."""
    reader = _REQUEST_FIELDS.get(name)
    if reader is None:
        fated = fate(name, underscores)
        if fated != "pass":
            return _DROPPED if fated == "drop" else _REFUSED
    return reader


def _apply_connection(head: RequestHead | ResponseHead, lines: list[bytes]) -> list[bytes]:
    """Persistence (RFC 9112 section 9.3), and `lines` without the fields named, which were meant for us alone
    (RFC 9110 section 7.6.1)."""
    named = set(head.connection)
    head.keep_alive = b"close" not in named and (head.is_1_1 or b"keep-alive" in named)
    named -= _CONNECTION_OPTIONS
    return without_named(lines, named) if named else lines


# ---------------------------------------------------------------------- framing and routing


def _frame_request(head: RequestHead, lines: list[bytes]) -> None:
    if head.length == CHUNKED:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    elif head.length or head.method in (b"POST", b"PUT", b"PATCH"):
        lines.append(b"Content-Length: %d\r\n" % head.length)
    if head.expects_100:
        lines.append(b"Expect: 100-continue\r\n")
    if head.takes_trailers and not head.upgrade:  # whose Connection is written already
        lines.append(b"Connection: TE\r\nTE: trailers\r\n")


def _frame_response(head: ResponseHead, lines: list[bytes]) -> None:
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


def _check_host(head: RequestHead) -> bytes:
    """The Host for the backend; makes an absolute target origin-form (RFC 9112 sections 3.2 and 3.2.2)."""
    host = head.host
    if host is None and head.is_1_1:
        raise BadRequest("no-host", "HTTP/1.1 requires a Host field")
    if head.target[:1] != b"/" and head.target != b"*":
        absolute = _ABSOLUTE_FORM.fullmatch(head.target)
        if not absolute or not HOST_SYNTAX.fullmatch(absolute[1]):
            raise BadRequest("target", "the request target names no host")
        if host is not None and absolute[1].lower() != host.lower():
            raise BadRequest("host-differs", "the request target names another host than the Host field")
        host = absolute[1]
        rest = absolute[2]
        head.target = rest if rest.startswith(b"/") else b"/" + rest
        if not _ORIGIN_FORM.fullmatch(head.target):
            raise BadRequest("target", "the path has characters that no URL can have")
    head.host = host or b""
    return head.host or b"localhost"
