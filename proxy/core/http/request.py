"""Heads of requests: exact bytes in; checked facts and the head for the backend out (RFC 9112, over llhttp).

llhttp, all leniencies off, refuses bare CR and LF, NUL and other control bytes, obs-fold, a space before a colon,
signs, blanks and lists in Content-Length, two Content-Lengths, and Content-Length beside Transfer-Encoding. It leaves
to us, and this module adds: exactly one Host, its syntax, absolute-form against Host, the form of the target, any
coding but `chunked`, HTTP/1.0 with a coding, every version but 1.0 and 1.1, doubled spaces and line ends before the
request line, white space behind a value, CONNECT, fields that may come once only, fields that `Connection` may not
name, names that look like ours (`core.http.field_names`), and h2c.
Bodies are counted or decoded by us as well (`core.http.chunked`): llhttp cannot say where one ended.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httptools

from proxy.core.errors import BadRequest
from proxy.core.http.field_lines import FieldLines
from proxy.core.http.framing import CHUNKED, apply_connection, names_fields
from proxy.core.http.headers import NEVER_UPGRADED
from proxy.core.http.llhttp import Judge
from proxy.core.http.request_fields import HOST_SYNTAX, find_request_reader
from proxy.core.http.shapes import Shape, Shapes

if TYPE_CHECKING:
    from proxy.core.client.claims import Claims
    from proxy.core.http.field_names import Underscores
    from proxy.core.http.request_fields import FindReader

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
_EMPTY_LINES = re.compile(rb"(?:\r\n)*")
_WITH_BODY = frozenset({b"POST", b"PUT", b"PATCH"})  # an empty one is announced too (RFC 9110 section 8.6)
_WITHOUT_BODY = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_VERSION = b" HTTP/1.1\r\n"
_IN_PATHS = bytes(code for code in range(33, 127) if code not in b'"#<>\\')  # whatever of it is the query
_VIA = b"Via: 1.1 rproxy\r\n"
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"})  # RFC 9110 section 9.2.2


class RequestHead:
    """A request head that passed every check, and its form for the backend.

    target: origin-form or `*`, as sent on; host: as sent, b"" when HTTP/1.0 sent none; once: fields that may come once;
    takes_trailers: it can be sent trailers (RFC 9110 section 6.5.1);
    claims: what it says of proxies and clients before it, where that is believed (core/client/claims.py);
    length: of the body, 0 without one, or CHUNKED; is_1_1: the client speaks HTTP/1.1; keep_alive: the client's
    connection may go on after it; upgrade: the allowed protocol it asks for, lower case, or b"";
    forward: the head for the backend but for the fields about the client and the blank line;
    shape: what it has in common with others of its client, own: its fields besides these, as they came; None and b""
    where it was read by itself; with a shape the target is a path of printable ASCII without quotes and backslashes;
    log_text: what the access log made of it, kept because heads are.
    """

    __slots__ = ("claims", "connection", "expects_100", "forward", "host", "is_1_1", "is_head", "keep_alive", "length",
                 "log_text", "method", "once", "own", "shape", "takes_trailers", "target", "upgrade")  # fmt: skip

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
        self.shape: Shape | None = None
        self.own = b""
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


class RequestParser:
    """Parses heads; holds nothing between calls but lines it met and what they mean.

    tells_host: X-Forwarded-Host is added. find_reader: how fields are read, by lower-case name; another one where the
    client is believed.
    met_new: the head parsed last had a line that was never met before, so that it is not worth remembering whole.
    max_fields: a head with more is refused. upgrades: the protocols that may pass, all others' fields are dropped, and
    HTTP/2 whatever is said. underscores: what becomes of fields with `_` in their name (`field_names`).
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
        self._judge = Judge(httptools.HttpRequestParser)
        self._fields = FieldLines(lambda name: find(name, underscores))
        self._shapes = Shapes(self._make_shape)
        self._find_shape = self._shapes.find
        self.met_new = False

    def parse(self, data: bytes, client: str | None = None) -> RequestHead:
        """data: one head with its blank line and nothing behind it. client: whose heads resemble each other, as its
        address says; None for nobody's. Raises BadRequest."""
        shape = self._find_shape(client) if client is not None else None
        if shape is not None and (head := self._parse_like(shape, data)) is not None:
            return head
        try:
            self._judge.check(data)
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
        passed_on = self._fields.sort(lines, head)
        self.met_new = self._fields.met_new
        if head.connection:
            passed_on = apply_connection(head, passed_on)
        if head.upgrade:
            self._grant_upgrade(head, passed_on)
        if head.length or head.expects_100 or head.takes_trailers or method in _WITH_BODY:
            _frame(head, passed_on)
        host = head.host
        if not host or target[:1] != b"/":
            host = _check_host(head)
        if self._tells_host:
            passed_on += (b"X-Forwarded-Host: ", host, b"\r\n")
        head.forward = b"".join((method, b" ", head.target, b" HTTP/1.1\r\nHost: ", host, b"\r\n", *passed_on, _VIA))
        if not head.keep_alive:
            self._judge.forget()
        elif client is not None:
            self._shapes.learn(client, lines)
        return head

    def _parse_like(self, shape: Shape, data: bytes) -> RequestHead | None:
        """A request for a path, without a body, whose fields are those of `shape` and others that are passed on; None
        if it is another. llhttp is not asked: it has accepted the fields of the shape, the method and the names of the
        others, and refuses no byte that is let pass here. Flat: each call costs 0.1 us."""
        end = data.find(_VERSION)
        start = end + len(_VERSION)
        if end < 0 or not data.startswith(shape.front, start) or not data.endswith(shape.back):
            return None
        own = data[start + shape.front_size : -shape.back_size]
        # Else `X-A: 1` at the back is found in `Not-X-A: 1`, or front and back share lines.
        if own[-2:] != b"\r\n" and len(data) != start + shape.front_size + shape.back_size:
            return None
        method, _, target = data[:end].partition(b" ")
        if method not in _WITHOUT_BODY or target[:1] != b"/" or target.translate(None, _IN_PATHS):
            return None
        lines = own.splitlines(True)
        passed_on = self._fields.pass_on(lines)
        if passed_on is None or len(lines) + shape.count > self._max_fields:
            return None
        self.met_new = self._fields.met_new
        head = RequestHead(method, target, True)
        head.host = shape.like.host
        head.claims = shape.like.claims
        head.forward = b"".join((method, b" ", target, shape.before, *passed_on, shape.behind))
        head.shape = shape
        head.own = own
        shape.credit += 1
        return head

    def _make_shape(self, front: list[bytes], back: list[bytes]) -> Shape | None:
        """None where a head of these fields is no plain request, or not whole."""
        like = RequestHead(b"GET", b"/", True)
        passed_on = self._fields.sort([*front, *back], like)
        if like.connection:
            apply_connection(like, passed_on)
        host, means_more = like.host, like.length or like.expects_100 or like.takes_trailers or like.upgrade
        if not host or means_more or names_fields(like) or not like.keep_alive:
            return None
        told = b"X-Forwarded-Host: %b\r\n" % host if self._tells_host else b""
        shape = Shape(front, back, like)
        shape.before = b"".join((b" HTTP/1.1\r\nHost: ", host, b"\r\n", *passed_on[: len(front)]))
        shape.behind = b"".join((*passed_on[len(front) :], told, _VIA))
        return shape

    def _grant_upgrade(self, head: RequestHead, lines: list[bytes]) -> None:
        """An upgrade that may not pass is left out, as if it had not been asked for (RFC 9110 section 7.8)."""
        asks_properly = b"upgrade" in head.connection and head.is_1_1 and head.length == 0
        if asks_properly and head.upgrade in self._upgrades:
            lines.append(b"Connection: upgrade\r\nUpgrade: %b\r\n" % head.upgrade)
        else:
            head.upgrade = b""


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


def _frame(head: RequestHead, lines: list[bytes]) -> None:
    if head.length == CHUNKED:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    elif head.length or head.method in _WITH_BODY:
        lines.append(b"Content-Length: %d\r\n" % head.length)
    if head.expects_100:
        lines.append(b"Expect: 100-continue\r\n")
    if head.takes_trailers and not head.upgrade:  # whose Connection is written already
        lines.append(b"Connection: TE\r\nTE: trailers\r\n")


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
