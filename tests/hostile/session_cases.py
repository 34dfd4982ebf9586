"""Several requests on a connection, other protocols, fields of one hop or about the client, too much of anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hostile.case import (
    BAD,
    CHUNKED,
    END,
    ENDED,
    ONE,
    REFUSED,
    SMUGGLED,
    Forwarded,
    Refused,
    chunks,
    family,
    post,
    request,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hostile.case import Draft

# ---------------------------------------------------------------------- several requests


@family
def pipelines() -> Iterator[Draft]:
    yield "two", request() + SMUGGLED, Forwarded((b"/", b"/smuggled"))
    yield "ten", request() * 10, Forwarded((b"/",) * 10)
    yield "a body between", post(b"Content-Length: 5", body=b"hello") + SMUGGLED, Forwarded((b"/", b"/smuggled"))
    yield "chunks between", chunks(b"5\r\nhello\r\n0\r\n\r\n") + SMUGGLED, Forwarded((b"/", b"/smuggled"))
    yield "bad behind good", request() + b"GET /bad HTTP/1.1\r\nHost : a\r\n\r\n" + SMUGGLED, Refused((400,), (b"/",))
    yield "bad chunks behind good", request() + chunks(b"x\r\n") + SMUGGLED, Refused((400,), (b"/",))
    yield "behind close", request(b"Connection: close") + SMUGGLED, ONE
    yield "behind close in a list", request(b"Connection: x, CLOSE ,y") + SMUGGLED, ONE
    yield "behind close in a second field", request(b"Connection: x", b"Connection: close") + SMUGGLED, ONE
    yield "one byte too many", post(b"Content-Length: 5", body=b"hellox"), None
    yield "one byte too few", post(b"Content-Length: 6", body=b"hello"), None
    yield (
        "a prefix without an end",
        request() + b"GET /smuggled HTTP/1.1\r\nHost: evil\r\nX: ",
        Refused((400,), (b"/",)),
    )  # two Hosts
    yield (
        "a prefix that eats a line",
        request() + b"GET /smuggled HTTP/1.1\r\nX-Ignore: ",
        Forwarded((b"/", b"/smuggled")),
    )
    yield "HEAD and more", request(start=b"HEAD / HTTP/1.1") + SMUGGLED, Forwarded((b"/", b"/smuggled"))
    yield "HEAD twice", request(start=b"HEAD / HTTP/1.1") * 2, Forwarded((b"/", b"/"))
    yield "garbage behind", request() + b"\x16\x03\x01\x02\x00", None
    yield "a response behind", request() + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Refused((400,), (b"/",))
    large = post(b"Content-Length: 200000", body=b"x" * 200_000)
    yield "a large body between", large + SMUGGLED, Forwarded((b"/", b"/smuggled"))
    yield (
        "large chunks between",
        chunks(b"20000\r\n%b\r\n0\r\n\r\n" % (b"x" * 0x20000)) + SMUGGLED,
        Forwarded((b"/", b"/smuggled")),
    )


@family
def blank_lines() -> Iterator[Draft]:
    """RFC 9112 section 2.2: at least one empty line before a request is borne with."""
    yield "one", END + request(), ONE
    yield "three", END * 3 + request(), ONE
    yield "behind a body", post(b"Content-Length: 5", body=b"hello" + END) + SMUGGLED, Forwarded((b"/", b"/smuggled"))
    yield "a space", b" " + request(), BAD
    yield "a tab", b"\t" + request(), BAD
    yield "NUL", b"\x00" + request(), BAD
    yield "a blank and a line end", b" \r\n" + request(), BAD
    yield "0x0b", b"\x0b" + request(), BAD
    yield "between head and line end", END + b" " + request(), BAD
    for ends in (b"\n", b"\r", b"\r\r\n\n", b"\n\r", b"\r\n\n", b"\n\n", b"\r\n\r", b"\r\r\n"):
        yield show(ends), ends + request(), BAD
        yield f"{show(ends)} between", request() + ends + SMUGGLED, Refused((400,), (b"/",))


# ---------------------------------------------------------------------- other protocols


@family
def other_protocols() -> Iterator[Draft]:
    yield (
        "HTTP/2 preface",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        Refused((400, 501, 505)),
    )
    yield "HTTP/2 preface as 1.1", b"PRI * HTTP/1.1\r\nHost: a\r\n\r\nSM\r\n\r\n", Refused((400, 501, 505))
    yield "TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)), BAD
    yield "SSH", b"SSH-2.0-OpenSSH_9.6\r\n", BAD
    yield "PROXY v1", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + request(), Refused((400, 501, 505))
    yield "PROXY v2", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12) + request(), BAD
    yield "SMTP", b"EHLO a\r\nMAIL FROM:<a>\r\n\r\n", Refused((400, 501, 505))
    yield "Redis", b"*1\r\n$4\r\nPING\r\n\r\n", BAD
    yield "FastCGI", b"\x01\x01\x00\x01\x00\x08\x00\x00" + bytes(8), BAD
    yield "HTTP/0.9", b"GET /\r\n", Refused((400, 505))
    yield "HTTP/0.9 and a field", b"GET /\r\nHost: a\r\n\r\n", Refused((400, 505))
    yield "AJP", b"\x12\x34\x00\x01\x0a", BAD


@family
def upgrades() -> Iterator[Draft]:
    """Only what is allowed passes; everything else is a plain request."""
    h2c = (b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
    yield "h2c", request(b"Connection: Upgrade, HTTP2-Settings", *h2c), ONE
    yield "h2c, settings not named", request(b"Connection: Upgrade", *h2c), ONE
    yield "h2c, not named", request(*h2c), ONE
    yield "h2c among others", request(b"Connection: Upgrade", b"Upgrade: websocket, h2c"), ONE
    yield "h2c then websocket", request(b"Connection: Upgrade", b"Upgrade: h2c", b"Upgrade: websocket"), ONE
    yield "websocket then h2c", request(b"Connection: Upgrade", b"Upgrade: websocket", b"Upgrade: h2c"), ONE
    for value in (b"H2C", b"h2", b"TLS/1.0", b"h2c/1", b"websocket/13", b" h2c ", b"WebSocket", b"", b"HTTP/2.0"):
        yield f"to {show(value)}", request(b"Connection: upgrade", b"Upgrade: " + value), ONE
    yield "with a body", post(b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 5", body=b"hello"), ONE
    yield "with chunks", post(b"Connection: upgrade", b"Upgrade: websocket", CHUNKED, body=ENDED), ONE
    yield (
        "refused, and a request behind",
        request(b"Connection: upgrade", b"Upgrade: websocket") + SMUGGLED,
        Forwarded((b"/", b"/smuggled")),
    )
    yield (
        "bytes behind",
        request(b"Connection: upgrade", b"Upgrade: websocket") + b"\x81\x05hello",
        Refused((400,), (b"/",)),
    )
    yield "in 1.0", b"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", ONE
    for line in (b"HTTP2-Settings: AAMAAABk", b"HTTP2_Settings: AAMAAABk", b"http2-settings:"):
        yield show(line), request(line), ONE


@family
def expect() -> Iterator[Draft]:
    for value in (b"100-continue", b"100-Continue", b"100-CONTINUE "):
        yield f"sound {show(value)}", post(b"Expect: " + value, b"Content-Length: 5", body=b"hello"), ONE
    for value in (
        b"",
        b"x",
        b"100",
        b"100-continue, x",
        b"100-continue=1",
        b"200-ok",
        b"100 continue",
        b"100-continue;a",
        b" x=100-continue",
    ):
        yield f"value {show(value)}", post(b"Expect: " + value, b"Content-Length: 5", body=b"hello"), Refused((417,))
    yield "and no body", request(b"Expect: 100-continue"), ONE
    yield "twice", post(b"Expect: 100-continue", b"Expect: 100-continue", b"Content-Length: 5", body=b"hello"), ONE
    yield "with chunks", chunks(b"5\r\nhello\r\n0\r\n\r\n", b"Expect: 100-continue"), ONE
    yield "0.CL by it", request(b"Expect: 100-continue", b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED), ONE
    yield "HEAD", request(b"Expect: 100-continue", b"Content-Length: 5", start=b"HEAD / HTTP/1.1", body=b"hello"), ONE
    yield "obscured", post(b"Expect: y 100-continue", b"Content-Length: 5", body=b"hello"), Refused((417,))
    yield "folded", post(b"Expect:\r\n 100-continue", b"Content-Length: 5", body=b"hello"), BAD


# ---------------------------------------------------------------------- fields of one hop, fields about the client


@family
def connection() -> Iterator[Draft]:
    """What Connection names goes no further, but framing and routing stay."""
    yield "names a field", request(b"Connection: x-secret", b"X-Secret: 1"), ONE
    yield "names two", request(b"Connection: x-a, x-b", b"X-A: 1", b"X-B: 2", b"X-C: 3"), ONE
    yield "names in another case", request(b"Connection: X-SECRET", b"x-secret: 1"), ONE
    yield "empty members", request(b"Connection: ,, ,x-a,,", b"X-A: 1"), ONE
    yield "names itself", request(b"Connection: connection"), ONE
    yield "names close and itself", request(b"Connection: connection, close") + SMUGGLED, ONE
    yield "names TE", request(b"Connection: te", b"TE: trailers"), ONE
    for line in (
        b"Keep-Alive: timeout=5", b"Proxy-Connection: close", b"Proxy-Connection: keep-alive",
        b"TE: trailers, chunked", b"TE: gzip",
        b"Proxy-Authorization: Basic x", b"Proxy-Authenticate: Basic", b"Trailer: Content-Length",
        b"Connection: keep-alive",
    ):  # fmt: skip
        yield f"drops {show(line)}", request(line), ONE


@family
def connection_names() -> Iterator[Draft]:
    """What every hop needs, and what another proxy or the client's credentials said, cannot be named away."""
    length = b"Content-Length: 5"
    for line, *more in NAMED_END_TO_END:
        yield show(line), post(b"Connection: " + line, length, *more, body=b"hello"), BAD
        yield f"{show(line)} in a second field", request(b"Connection: close", b"Connection: " + line, *more), BAD


NAMED_END_TO_END: list[tuple[bytes, ...]] = [
    (b"Host",), (b"Content-Length",), (b"Transfer-Encoding",), (b"X-Forwarded-For",), (b"X-Forwarded-Proto",),
    (b"x-forwarded-host",), (b"close, host",), (b"keep-alive, CONTENT-LENGTH",), (b"Forwarded",), (b"\tvia\t",),
    (b"Authorization", b"Authorization: Basic x"), (b"Cookie", b"Cookie: a=b"), (b"x-forwarded-anything",),
    (b"Content-Type", b"Content-Type: a/b"), (b"Cache-Control", b"Cache-Control: no-cache"), (b"X-Real-IP",),
    (b"Expect", b"Expect: 100-continue"), (b"upgrade, Host",), (b",,range,,", b"Range: bytes=0-1"),
]  # fmt: skip


@family
def underscores() -> Iterator[Draft]:
    """Names that CGI and its heirs cannot tell from others are left out."""
    for line in (
        b"X_Forwarded_For: 1.2.3.4", b"X-Forwarded_For: 1.2.3.4", b"X_Forwarded_Proto: https",
        b"X_Forwarded_Host: evil", b"Content_Length: 5", b"Transfer_Encoding: chunked", b"transfer-encoding_: chunked",
        b"_Host: evil", b"api_key: 1",
        b"X.Forwarded-For: 1.2.3.4", b"Content.Length: 5", b"Transfer~Encoding: chunked", b"TRANSFER_ENCODING: chunked",
        b"X_FORWARDED_PORT: 1", b"Keep_Alive: 5", b"Proxy_Connection: close", b"Content!Length: 5",
    ):  # fmt: skip
        yield show(line), request(line), ONE
        yield f"{show(line)} and a body", post(line, CHUNKED, body=b"5\r\nhello\r\n" + ENDED), ONE
        yield f"{show(line)} in a trailer", chunks(b"0\r\n" + line + END + END), ONE
    yield "named", request(b"Connection: X_Forwarded_For", b"X_Forwarded_For: 1"), ONE


@family
def singletons() -> Iterator[Draft]:
    """Of two, one backend takes the first and another the last."""
    for name, value in ((b"Authorization", b"Basic x"), (b"Content-Type", b"a/b"), (b"Range", b"bytes=0-1")):
        yield f"one {show(name)}", request(name + b": " + value), ONE
        yield f"two {show(name)}", request(name + b": " + value, name + b": " + value), BAD
        yield f"{show(name)} in another case", request(name + b": " + value, name.upper() + b": x"), BAD
        yield f"{show(name)} and an empty one", request(name + b":", name + b": " + value), BAD
        yield f"three {show(name)} apart", request(*[name + b": x", *[b"X-%d: y" % i for i in range(20)]] * 3), BAD


@family
def forwarding() -> Iterator[Draft]:
    """What clients say about themselves is replaced."""
    for line in (
        b"X-Forwarded-Port: 443", b"X-Forwarded-Prefix: /x", b"X-Forwarded-Server: evil", b"X-Forwarded-By: evil",
        b"X-Forwarded-Anything: x", b"x-forwarded-: x",
    ):  # fmt: skip
        yield show(line), request(line), ONE
    for line in (
        b"X-Forwarded-For: 1.2.3.4", b"x-forwarded-for: 127.0.0.1", b"X-FORWARDED-FOR: 1.2.3.4, 5.6.7.8",
        b"X-Forwarded-Host: evil",
        b"X-Forwarded-Proto: https", b"Forwarded: for=1.2.3.4;proto=https", b"Forwarded: for=\"_x\"",
        b"X-Forwarded-For:",
        b"X-Forwarded-For: \xff", b"X-Forwarded-Host: a, b",
    ):  # fmt: skip
        yield show(line), request(line), ONE
        yield f"twice {show(line)}", request(line, line), ONE
    yield "hidden by a space", request(b"X-Forwarded-For : 1.2.3.4"), BAD
    yield "hidden by a fold", request(b"X: y\r\n X-Forwarded-For: 1.2.3.4"), BAD
    yield "Host as a path", request(host=b"Host: evil.example\r\n"), ONE


# ---------------------------------------------------------------------- too much


@family
def too_much() -> Iterator[Draft]:
    large = Refused((431,))
    yield "a long target", request(start=b"GET /" + b"x" * 20_000 + b" HTTP/1.1"), large
    yield "a long value", request(b"X: " + b"y" * 20_000), large
    yield "a long name", request(b"X" * 20_000 + b": y"), large
    yield "many fields", request(*[b"X-%d: y" % i for i in range(100)]), large
    yield "very many fields", request(*[b"X: y"] * 2000), large
    yield "many empty fields", request(*[b"X:"] * 101), large
    yield "at the limit", request(*[b"X-%d: y" % i for i in range(99)]), ONE
    yield "no end", b"GET /" + b"x" * 70_000, large
    yield "a long method", b"A" * 20_000 + b" / HTTP/1.1\r\nHost: a\r\n\r\n", Refused((400, 431, 501))
    yield "a large head, then more", request(b"X: " + b"y" * 20_000) + SMUGGLED, large
    yield "the largest", request(b"X: " + b"y" * (16384 - len(request(b"X: ")))), ONE
    yield "one byte more", request(b"X: " + b"y" * (16385 - len(request(b"X: ")))), large
    yield "a large Host", request(host=b"Host: " + b"a" * 8000 + END), ONE
    yield "many blank lines", END * 3000 + request(), ONE


@family
def http_1_0() -> Iterator[Draft]:
    start = b"POST / HTTP/1.0"
    yield "plain", b"GET / HTTP/1.0\r\n\r\n" + SMUGGLED, ONE
    yield "with Host", b"GET / HTTP/1.0\r\nHost: a\r\n\r\n" + SMUGGLED, ONE
    yield "chunked", request(CHUNKED, start=start, body=ENDED + SMUGGLED), REFUSED
    yield "chunked and kept", request(CHUNKED, b"Connection: keep-alive", start=start, body=ENDED + SMUGGLED), REFUSED
    yield "chunked with a length", request(CHUNKED, b"Content-Length: 5", start=start, body=ENDED), BAD
    yield "identity", request(b"Transfer-Encoding: identity", start=start, body=SMUGGLED), REFUSED
    yield "two Hosts", request(b"Host: b", start=b"GET / HTTP/1.0"), BAD
    yield (
        "kept",
        request(b"Connection: keep-alive", start=b"GET / HTTP/1.0") + SMUGGLED,
        Forwarded((b"/", b"/smuggled")),
    )
    yield "kept and closed", request(b"Connection: keep-alive, close", start=b"GET / HTTP/1.0") + SMUGGLED, ONE
    yield "Keep-Alive alone", request(b"Keep-Alive: timeout=5", start=b"GET / HTTP/1.0") + SMUGGLED, ONE
    yield "a body", request(b"Content-Length: 5", start=start, body=b"hello") + SMUGGLED, ONE
    yield "no length", request(start=start, body=SMUGGLED), ONE
    yield "Expect", request(b"Expect: 100-continue", b"Content-Length: 5", start=start, body=b"hello"), ONE
