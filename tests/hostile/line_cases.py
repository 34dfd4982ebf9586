"""Ends of lines and what may be taken for one; names of fields; the request line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hostile.case import BAD, END, ONE, REFUSED, SMUGGLED, Forwarded, Refused, chunks, family, request, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hostile.case import Draft

CONTROL = [0, 1, 8, 11, 12, 14, 27, 31, 127]  # control bytes that end no line

PLACES: list[tuple[str, bytes]] = [  # @ is where the byte goes
    ("in the method", b"GE@T / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("behind the method", b"GET@ / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("in the target", b"GET /@x HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("in the query", b"GET /?a=@b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("behind the target", b"GET /@ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("in the version", b"GET / HTTP/1@.1\r\nHost: a\r\n\r\n"),
    ("behind the version", b"GET / HTTP/1.1@\r\nHost: a\r\n\r\n"),
    ("before a name", b"GET / HTTP/1.1\r\nHost: a\r\n@X: y\r\n\r\n"),
    ("in a name", b"GET / HTTP/1.1\r\nHost: a\r\nX@Y: y\r\n\r\n"),
    ("behind a name", b"GET / HTTP/1.1\r\nHost: a\r\nX@: y\r\n\r\n"),
    ("before a value", b"GET / HTTP/1.1\r\nHost: a\r\nX:@y\r\n\r\n"),
    ("in a value", b"GET / HTTP/1.1\r\nHost: a\r\nX: y@z\r\n\r\n"),
    ("behind a value", b"GET / HTTP/1.1\r\nHost: a\r\nX: y@\r\n\r\n"),
    ("as a value", b"GET / HTTP/1.1\r\nHost: a\r\nX: @\r\n\r\n"),
    ("in Host", b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    ("in the blank line", b"GET / HTTP/1.1\r\nHost: a\r\n@\r\n"),
    ("in a chunk size", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5@\r\nhello\r\n0\r\n\r\n"),
    (
        "before a chunk size",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n@5\r\nhello\r\n0\r\n\r\n",
    ),
    ("in an extension", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=@\r\nhello\r\n0\r\n\r\n"),
    ("behind a chunk", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello@\r\n0\r\n\r\n"),
    ("in a trailer's name", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX@: y\r\n\r\n"),
    ("in a trailer", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y@z\r\n\r\n"),
    ("before the end", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n@\r\n"),
]


@family
def control_bytes() -> Iterator[Draft]:
    for where, template in PLACES:
        for byte in CONTROL:
            yield f"{byte:#04x} {where}", template.replace(b"@", bytes([byte])), REFUSED


@family
def bare_lf() -> Iterator[Draft]:
    for where, template in PLACES:
        yield where, template.replace(b"@", b"\n"), None
        yield f"{where}, and a field", template.replace(b"@", b"\nX-Smuggled: y"), None
    whole = request(b"X: y")
    yield "everywhere", whole.replace(END, b"\n"), BAD
    for number in range(1, 5):
        parts = whole.split(END)
        yield f"for CRLF {number}", END.join(parts[:number]) + b"\n" + END.join(parts[number:]), None
    yield "two end the head", b"GET / HTTP/1.1\r\nHost: a\n\n" + SMUGGLED, BAD
    yield "CRLF and LF end the head", b"GET / HTTP/1.1\r\nHost: a\r\n\n" + SMUGGLED, BAD
    yield "LF and CRLF end the head", b"GET / HTTP/1.1\r\nHost: a\n\r\n" + SMUGGLED, BAD
    yield "in all chunk lines", chunks(b"5\nhello\n0\n\n"), BAD
    yield "for the last CRLF", chunks(b"0\r\n\n"), BAD


@family
def bare_cr() -> Iterator[Draft]:
    for where, template in PLACES:
        if where not in ("in the blank line", "before the end", "before a chunk size"):
            yield where, template.replace(b"@", b"\r"), None
            yield f"{where}, and a field", template.replace(b"@", b"\rX-Smuggled: y"), None
    yield "everywhere", request(b"X: y").replace(END, b"\r"), None
    yield "two end the head", b"GET / HTTP/1.1\r\nHost: a\r\r" + SMUGGLED, BAD
    yield "CR CR LF", b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", BAD
    yield "CR CR LF behind a field", b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", BAD
    yield "CR CR LF ends the head", b"GET / HTTP/1.1\r\nHost: a\r\n\r\r\n" + SMUGGLED, BAD
    yield "CR behind a chunk", chunks(b"5\r\nhello\r0\r\n\r\n"), BAD
    yield "CR behind a chunk size", chunks(b"5\rhello\r\n0\r\n\r\n"), BAD


@family
def line_ends_of_unicode() -> Iterator[Draft]:
    """NEL, LS, PS and their UTF-8: bytes like any other in a value, nothing elsewhere (splitlines knows them)."""
    for end in (b"\x85", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\x1c", b"\x1d", b"\x1e"):
        outcome = ONE if end[0] >= 0x80 else BAD
        yield f"{show(end)} in a value", request(b"X: y" + end + b"Content-Length: 5"), outcome
        yield f"{show(end)} in the target", b"GET /" + end + b" HTTP/1.1\r\nHost: a\r\n\r\n", BAD
        yield f"{show(end)} in a name", request(b"X" + end + b"Y: z"), BAD
    for blank in (b"\xa0", b"\xc2\xa0", b"\xe3\x80\x80", b"\xe2\x80\x8b", b"\xef\xbb\xbf"):
        yield f"{show(blank)} before the method", blank + request(), BAD
        yield f"{show(blank)} for a space", b"GET" + blank + b"/ HTTP/1.1\r\nHost: a\r\n\r\n", BAD
        yield f"{show(blank)} behind a name", request(b"X" + blank + b": y"), BAD
        yield f"{show(blank)} around a Host", request(host=b"Host: " + blank + b"a\r\n"), BAD
    for digits in (b"\xd9\xa5", b"\xef\xbc\x95", b"\xe0\xa5\xab"):
        yield f"{show(digits)} as a chunk size", chunks(digits + b"\r\nhello\r\n0\r\n\r\n"), BAD
        yield f"{show(digits)} as a version", b"GET / HTTP/1." + digits + b"\r\nHost: a\r\n\r\n", Refused((400, 505))


@family
def obs_fold() -> Iterator[Draft]:
    for blank in (b" ", b"\t", b"   ", b" \t"):
        yield f"{show(blank)} a value", request(b"X: y\r\n" + blank + b"z"), BAD
        yield f"{show(blank)} an empty value", request(b"X:\r\n" + blank + b"y"), BAD
        yield f"{show(blank)} a field", request(b"X: y\r\n" + blank + b"Content-Length: 5", body=b"hello"), BAD
        yield f"{show(blank)} and nothing", request(b"X: y\r\n" + blank), BAD
        yield f"{show(blank)} the first line", b"GET / HTTP/1.1\r\n" + blank + b"Host: a\r\n\r\n", BAD
        yield f"{show(blank)} Host", b"GET / HTTP/1.1\r\nHost: a\r\n" + blank + b"b\r\n\r\n", BAD
        yield f"{show(blank)} a trailer", chunks(b"0\r\nX: y\r\n" + blank + b"z\r\n\r\n"), BAD
    yield "by bare LF", request(b"X: y\n z"), BAD
    yield "a folded name", request(b"X\r\n -Y: z"), BAD


# ---------------------------------------------------------------------- names of fields


@family
def space_before_colon() -> Iterator[Draft]:
    for name in (b"Host", b"Content-Length", b"Transfer-Encoding", b"Connection", b"X"):
        for blank in (b" ", b"\t", b"  ", b"\xa0"):
            yield f"{show(name + blank)}:", request(name + blank + b": 5"), BAD


@family
def names() -> Iterator[Draft]:
    yield "empty", request(b": y"), BAD
    yield "empty, no value", request(b":"), BAD
    yield "no colon", request(b"nothing"), BAD
    yield "a second request line", request(b"GET /smuggled HTTP/1.1"), BAD
    for byte in b'"(),/;<=>?@[\\]{} \x80\x9f\xa0\xff':
        yield f"{show(bytes([byte]))} in a name", request(b"X%cY: z" % byte), BAD
    for byte in b"!#$%&'*+-.^_`|~09":
        yield f"{show(bytes([byte]))} in a name is a token", request(b"X%cY: z" % byte), ONE
    yield "a long one", request(b"X" * 4000 + b": y"), ONE
    yield "quoted colon", request(b'"X:Y": z'), BAD


# ---------------------------------------------------------------------- the request line


@family
def request_lines() -> Iterator[Draft]:
    for line in (
        b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET\t/ HTTP/1.1", b"GET /\tHTTP/1.1", b" GET / HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b"GET / HTTP/1.1\t", b"GET /a b HTTP/1.1", b"GET / / HTTP/1.1", b"GET HTTP/1.1", b"GET", b"GET ", b"/ HTTP/1.1",
        b"GET / ", b"GET /", b"GET / HTTP", b"GET / HTTP/", b"GET / HTTP/1", b"GET / HTTP/1.", b"GET / /1.1",
        b"GET /HTTP/1.1", b"HTTP/1.1 200 OK", b"GET / HTTP/1.1 HTTP/1.1", b"GET / HTTP/1.1, X",
        b"GET /smuggled HTTP/1.1 HTTP/1.1", b"", b"{}", b"GET\xa0/ HTTP/1.1",
    ):  # fmt: skip
        yield show(line), request(start=line), Refused((400, 501, 505))


@family
def versions() -> Iterator[Draft]:
    for version in (
        b"HTTP/0.9", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/2", b"HTTP/3", b"HTTP/0.0", b"HTTP/9.9",
        b"HTTP/1.10",
        b"HTTP/1.01", b"HTTP/01.1", b"HTTP/11.1", b"HTTP/1,1", b"HTTP/1 1", b"HTTP/1..1", b"HTTP/+1.1", b"HTTP/1.-1",
        b"http/1.1", b"Http/1.1", b"HTTP 1.1", b"HTTP\\1.1", b"HTTPS/1.1", b"HTTPHTTP/1.1", b"HTTP/1.1x", b"HTTP/1.x",
        b"ICE/1.0", b"RTSP/1.0", b"SIP/2.0", b"SHTTP/1.1", b"HTTP/1.1\x00", b"HTTP/0x1.1",
    ):  # fmt: skip
        yield show(version), request(start=b"GET / " + version), Refused((400, 505))


@family
def well_formed_versions() -> Iterator[Draft]:
    """Told apart from what is no request at all (RFC 9110 section 15.6.6)."""
    for version in (
        b"HTTP/0.9",
        b"HTTP/0.0",
        b"HTTP/1.2",
        b"HTTP/1.9",
        b"HTTP/2.0",
        b"HTTP/2.1",
        b"HTTP/3.0",
        b"HTTP/9.9",
    ):
        yield show(version), request(start=b"GET / " + version), Refused((505,))


@family
def methods() -> Iterator[Draft]:
    for method in (
        b"get", b"Get", b"gET", b"GETT", b"G", b"XGET", b"GET,POST", b"GET;", b"GE\xcc", b"G3T", b"GET/",
        b"\xef\xbb\xbfGET",
        b"_GET", b"GET_", b"A" * 33, b"A" * 5000, b"DESCRIBE", b"PLAY", b"PRI", b"INVALID", b"G-T", b"'GET'", b"GET:",
        b"!",
        b"CONNECT", b"connect", b"TRACK", b"DEBUG",
    ):  # fmt: skip
        yield show(method), request(start=method + b" / HTTP/1.1"), Refused((400, 501))


@family
def targets() -> Iterator[Draft]:
    for target in (
        b"*", b"a", b"a/b", b"?x", b"#", b"/#", b"/#/x", b"/?x#y", b"http:", b"http:/", b"http://", b"http:///",
        b"http:///x", b"http:a",
        b"http://?x", b"ftp://a/", b"ws://a/", b"file:///etc/passwd", b"javascript:1", b"://a/", b"http//a/", b"a:80",
        b"a.b:443", b"\\", b"*?x",
        b"**", b"*/", b".", b"..", b"../x", b"%2f", b"@", b"://", b"[::1]", b"http://[::1/", b"http://a b/", b"/\x80",
        b"/\xff", b"/\xc3\xa9", b"http:\\\\a\\",
        b"http://a#/", b"http://a@b/", b"http://a:b@a/", b"http://@a/", b"http://a:x/", b"http://a\\@b/",
        b"http://:80/", b"HTTP://b/",
    ):  # fmt: skip
        yield show(target), request(start=b"GET " + target + b" HTTP/1.1"), BAD
    for target in (
        b"/",
        b"//",
        b"///x",
        b"/..",
        b"/../..",
        b"/%2e%2e/",
        b"/;a",
        b"/a:80",
        b"/@b",
        b"/?",
        b"/?http://b/",
        b"//evil/x",
        b"/%",
        b"/%zz",
    ):
        yield f"sound {show(target)}", request(start=b"GET " + target + b" HTTP/1.1"), Forwarded((target,))
    for target in (b'/"', b"/<x>", b"/?<x>", b"/a\\b", b"/..\\x", b'/?"', b"http://a/\\", b"http://a/<"):
        yield f"illegal {show(target)}", request(start=b"GET " + target + b" HTTP/1.1"), BAD
    for target in (b"/a|b^c{}[]`", b"/?a\\b", b"/?|^{}[]`?", b"/:@!$&'()*+,;=~-._%41"):
        yield f"as browsers send {show(target)}", request(start=b"GET " + target + b" HTTP/1.1"), Forwarded((target,))
    yield "asterisk", request(start=b"OPTIONS * HTTP/1.1"), Forwarded((b"*",))
    for method in (b"POST", b"HEAD", b"DELETE", b"TRACE"):
        yield f"asterisk with {show(method)}", request(start=method + b" * HTTP/1.1"), BAD


@family
def absolute_form() -> Iterator[Draft]:
    yield "the same host", request(start=b"GET http://a/x HTTP/1.1"), Forwarded((b"/x",))
    yield "no path", request(start=b"GET http://a HTTP/1.1"), ONE
    yield "no path, a query", request(start=b"GET http://a?q HTTP/1.1"), Forwarded((b"/?q",))
    yield "https", request(start=b"GET https://a/ HTTP/1.1"), ONE
    yield "case of the host", request(start=b"GET HTTP://A/ HTTP/1.1"), ONE
    yield "no Host in 1.0", b"GET http://a/x HTTP/1.0\r\n\r\n", Forwarded((b"/x",))
    for authority in (b"b", b"a:80", b"a.", b"a.b", b"aa", b"a,b", b"%61", b"evil", b"a:", b"localhost"):
        yield f"{show(authority)} against Host", request(start=b"GET http://" + authority + b"/ HTTP/1.1"), BAD
    yield "no Host in 1.1", request(start=b"GET http://a/ HTTP/1.1", host=b""), BAD
    yield "an empty Host", request(start=b"GET http://a/ HTTP/1.1", host=b"Host:\r\n"), BAD
    yield "two Hosts", request(b"Host: a", start=b"GET http://a/ HTTP/1.1"), BAD


@family
def hosts() -> Iterator[Draft]:
    yield "none", request(host=b""), BAD
    yield "two alike", request(b"Host: a"), BAD
    yield "two", request(b"Host: b"), BAD
    yield "two, other case", request(b"hOsT: b"), BAD
    yield "one empty, one not", request(b"Host:"), BAD
    yield "far apart", request(*[b"X-%d: y" % i for i in range(40)], b"Host: b"), BAD
    for value in (
        b"a b", b"a,b c", b"a/b", b"a/../b", b"a?b", b"a#b", b"a@b", b"user:pass@a", b"a\\b", b"http://a", b"a:80:80",
        b"a:x", b"a:-1", b"a:+80",
        b"a: 80", b"a:0x50", b"a:123456", b"[::1", b"::1", b"[::1]x", b"[g]", b"[]", b"a[", b"<a>", b'"a"', b"a\xff",
        b"\xc3\xa9", b"a\x00",
        b"a\tb", b":80", b":", b"a|b", b"a^b", b"a`", b"{a}", b"a:80\\", b"a:8O",
    ):  # fmt: skip
        yield f"value {show(value)}", request(host=b"Host: " + value + END), BAD
    for value in (b"a", b"a:80", b"[::1]", b"[::1]:80", b"127.0.0.1", b"a.", b"A", b"a_b", b"a-b", b"\t a \t"):
        yield f"sound {show(value)}", request(host=b"Host:" + value + END), ONE
    for line in (
        b"Host : b",
        b" Host: b",
        b"X: y\nHost: b",
        b"Host\x00: b",
        b"X: y\r\n Host: b",
        b"\x00Host: b",
        b"Host\xa0: b",
    ):
        yield f"hidden by {show(line)}", request(line), BAD
