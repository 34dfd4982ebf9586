"""Where a message ends: two lengths, codings, chunks, trailers, bodies that one side does not expect."""

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
    Waiting,
    chunks,
    family,
    post,
    request,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hostile.case import Draft

# ---------------------------------------------------------------------- which of two lengths


@family
def cl_te() -> Iterator[Draft]:
    """The front counts, the back takes chunks: what is behind the last chunk would be the next request."""
    body = ENDED + SMUGGLED
    length = b"Content-Length: %d" % len(body)
    for coding in CODINGS:
        yield f"length before {show(coding)}", post(length, coding, body=body), REFUSED
    for coding in CODINGS[:12]:
        yield f"length behind {show(coding)}", post(coding, length, body=body), REFUSED
    yield "case of names", post(b"cOnTeNt-LeNgTh: 5", b"tRaNsFeR-eNcOdInG: ChUnKeD", body=ENDED), BAD
    yield "far apart", post(length, *[b"X-%d: y" % i for i in range(50)], CHUNKED, body=body), BAD
    yield "on a GET", request(length, CHUNKED, body=body), BAD


@family
def te_cl() -> Iterator[Draft]:
    """The front takes chunks, the back counts: the chunk's data would be the next request."""
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
    for length in (b"0", b"1", b"3", b"4", b"00", b"99999"):
        yield f"length {show(length)} behind", post(CHUNKED, b"Content-Length: " + length, body=chunk), BAD
        yield f"length {show(length)} before", post(b"Content-Length: " + length, CHUNKED, body=chunk), BAD
    for coding in CODINGS[:12]:
        yield f"short length and {show(coding)}", post(b"Content-Length: 4", coding, body=chunk), REFUSED


CODINGS = [
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding:chunked",
    b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding: chunked ",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunkedx",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: cow",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: 'chunked'",
    b"Transfer-Encoding: chunked;",
    b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,",
    b"Transfer-Encoding: , ,chunked",
    b"Transfer-Encoding:",
    b"Transfer-Encoding: ",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: \x0cchunked",
    b"Transfer-Encoding: chunked\x0b",
    b"Transfer-Encoding: chunked\x00",
    b"Transfer-Encoding: \x00chunked",
    b"Transfer-Encoding: chun\x00ked",
    b"Transfer-Encoding: chunked\x7f",
    b"Transfer-Encoding:\xa0chunked",
    b"Transfer-Encoding: \xc2\xa0chunked",
    b"Transfer-Encoding: chunked\x85",
    b"Transfer-Encoding: chun\xe2\x84\xaaed",  # KELVIN SIGN, a k to Unicode's lower()
    b"Transfer-Encoding: chunke\xc4\x8f",
    b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding\r\n : chunked",
    b"Transfer-Encoding: chunked\r\n ",
    b"Transfer-Encoding: x\r\n\tchunked",
    b"Transfer-Encoding\t: chunked",
    b"Transfer-Encoding\x00: chunked",
    b"Transfer-Encoding\x0b: chunked",
    b" Transfer-Encoding: chunked",
    b"\tTransfer-Encoding: chunked",
    b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\nX: y",
    b"Transfer-Encoding: \nchunked",
    b"Transfer-Encoding: \rchunked",
    b"Transfer-Encoding:: chunked",
    b"Transfer-Encoding: : chunked",
    b"Transfer-Encoding= chunked",
    b"Transfer-Encoding",
    b"Transfer-Encoding chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: ",
    b"Transfer-Encoding: chunked\r\ntransfer-encoding: cow",
]
SOUND = CODINGS[:4]  # one coding, chunked: right by itself


@family
def te_te() -> Iterator[Draft]:
    """Codings that one parser takes for chunked and another does not."""
    for coding in CODINGS:
        body = ENDED if coding in SOUND else ENDED + SMUGGLED
        yield show(coding), post(coding, body=body), ONE if coding in SOUND else REFUSED


@family
def te_look_alikes() -> Iterator[Draft]:
    """Other names: they pass as what they are, and frame nothing."""
    for name in (
        b"Transfer-Encodin",
        b"X-Transfer-Encoding",
        b"TransferEncoding",
        b"Transfer-Encoding-",
        b"Transfer--Encoding",
    ):
        yield show(name), request(name + b": chunked"), ONE
        yield show(name) + " and a body", post(name + b": chunked", b"Content-Length: 5", body=ENDED), ONE
    for name in (b"Content-Lengt", b"X-Content-Length", b"ContentLength", b"Content--Length"):
        yield show(name), request(name + b": 37", body=SMUGGLED), Forwarded((b"/", b"/smuggled"))


# ---------------------------------------------------------------------- bodies that one side does not expect


@family
def cl_0() -> Iterator[Draft]:
    """The back ignores a length that the front counts: a body shaped as a request stays a body."""
    for method in (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"PROPFIND"):
        start = method + b" / HTTP/1.1"
        yield f"{show(method)} counted", request(b"Content-Length: %d" % len(SMUGGLED), start=start, body=SMUGGLED), ONE
        chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
        yield f"{show(method)} chunked", request(CHUNKED, start=start, body=chunk), ONE
    for target in (b"/static/a.png", b"/redirect", b"//", b"/?x", b"/%00", b"/..%2f"):
        start = b"POST " + target + b" HTTP/1.1"
        data = request(b"Content-Length: %d" % len(SMUGGLED), start=start, body=SMUGGLED)
        yield f"to {show(target)}", data, Forwarded((target,))
    yield "no length", post(body=SMUGGLED), Forwarded((b"/", b"/smuggled"))


@family
def zero_cl() -> Iterator[Draft]:
    """The front sees no length, the back does."""
    two = Forwarded((b"/", b"/smuggled"))
    for value in (b"0", b"00", b"0000000000000000000000", b"0 ", b"\t0"):
        yield f"length {show(value)}", post(b"Content-Length: " + value, body=SMUGGLED), two
    hidden = b"%d" % len(SMUGGLED)
    for line in (
        b" Content-Length: ", b"\tContent-Length: ", b"Content-Length : ", b"Content-Length\t: ",
        b"\x00Content-Length: ",
        b"Content-Length\x00: ", b"Content-Length\x0b: ", b"\x0bContent-Length: ", b"X: y\nContent-Length: ",
        b"X: y\rContent-Length: ", b"Content-Length\xa0: ", b"Content\xadLength: ", b"Content Length: ",
        b"Content-Length:\r\n ", b"(Content-Length): ", b'"Content-Length": ', b"Content-Length:\n",
    ):  # fmt: skip
        yield f"hidden by {show(line)}", post(line + hidden, body=SMUGGLED), BAD
    yield "more than comes", post(b"Content-Length: 1000", body=SMUGGLED), Waiting()
    yield "a GET with more than comes", request(b"Content-Length: 1000", body=SMUGGLED), Waiting()


@family
def content_length() -> Iterator[Draft]:
    good = (b"5", b"05", b"0000000005", b"5 ", b" 5", b"\t5\t")
    for value in good:
        yield f"sound {show(value)}", post(b"Content-Length:" + value, body=b"hello"), ONE
    for value in (
        b"", b" ", b"+5", b"-5", b"-0", b"+0", b"--5", b"5,5", b"5, 5", b"5,6", b",5", b"5,", b"5;5", b"0x5", b"0X5",
        b"5x", b"x5", b"5 5", b"5\t5", b"5_0", b"1_0", b"5.0", b"5e0", b".5", b"5L", b"0b1", b"0o5", b"five", b"'5'",
        b'"5"',
        b"\xc2\xb2", b"\xd9\xa5", b"\xef\xbc\x95", b"\xa05", b"5\xa0", b"5\x00", b"\x005", b"5\x0b", b"\x0c5", b"5\x7f",
        b"18446744073709551616", b"18446744073709551621", b"99999999999999999999999999", b"5" * 300, b"\r\n 5",
        b"5\r\n 5", b"5\n5", b"5\r5", b"%35", b"nan", b"inf", b"null", b"-9223372036854775808", b"4294967301,5",
    ):  # fmt: skip
        yield f"value {show(value)}", post(b"Content-Length: " + value, body=b"hello"), BAD
    for value in (b"4294967301", b"9223372036854775807", b"18446744073709551615"):  # would wrap around to less
        yield f"huge {show(value)}", post(b"Content-Length: " + value, body=b"hello"), None


@family
def two_lengths() -> Iterator[Draft]:
    line = b"Content-Length: 5"
    for other in (b"5", b"05", b"6", b"0", b"", b"x", b"-5", b"500"):
        yield f"then {show(other)}", post(line, b"Content-Length: " + other, body=b"hello"), BAD
        yield f"first {show(other)}", post(b"Content-Length: " + other, line, body=b"hello"), BAD
    yield "other case", post(line, b"content-length: 5", body=b"hello"), BAD
    yield "far apart", post(line, *[b"X-%d: y" % i for i in range(40)], line, body=b"hello"), BAD
    yield "three", post(line, line, line, body=b"hello"), BAD


@family
def many_zeros() -> Iterator[Draft]:
    """More digits than int() converts by default (4300), and less: a size in any case, or a refusal."""
    for zeros in (100, 1000, 4000):
        yield f"{zeros} zeros before 5", post(b"Content-Length: %b5" % (b"0" * zeros), body=b"hello"), None
    for zeros in (4300, 5000, 12000):
        yield f"{zeros} zeros before 5", post(b"Content-Length: %b5" % (b"0" * zeros), body=b"hello"), None


# ---------------------------------------------------------------------- chunks


@family
def chunk_sizes() -> Iterator[Draft]:
    for size in (b"5", b"05", b"0000000000000005"):
        yield f"sound {show(size)}", chunks(size + b"\r\nhello\r\n0\r\n\r\n"), ONE
    yield "upper and lower case", chunks(b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"), ONE
    for size in (
        b"", b" ", b"+5", b"-5", b"-0", b"0x5", b"0X5", b"x5", b"5h", b"5_", b"_5", b"0_5", b"1_0", b" 5", b"5 ",
        b"\t5", b"5\t",
        b"5 5", b"5,5", b"5.", b"'5'", b'"5"', b"g", b"5\\", b"\\x05", b"%35", b"00000000000000005", b"0" * 300 + b"5",
        b"10000000000000005", b"fffffffffffffffff", b"5 ;a", b"5\x00", b"=5", b":5", b"5:", b"5/1", b"5h\r\n",
        b"5L", b"5\xa0", b"\xef\xbc\x95", b"(5)", b"five", b"5-", b"5+0", b"0\x0b5",
    ):  # fmt: skip
        yield f"size {show(size)}", chunks(size + b"\r\nhello\r\n0\r\n\r\n"), BAD
    for size in (b"ffffffffffffffff", b"7fffffffffffffff", b"8000000000000005", b"100000005", b"80000000"):
        yield f"huge {show(size)}", chunks(size + b"\r\nhello\r\n0\r\n\r\n"), Waiting()
    for zero in (b"0", b"00", b"0000000000000000"):
        yield f"last chunk {show(zero)}", chunks(zero + b"\r\n\r\n"), ONE
    for zero in (b"-0", b"+0", b"0x0", b"00000000000000000", b"0 ", b" 0"):
        yield f"last chunk {show(zero)}", chunks(zero + b"\r\n\r\n" + SMUGGLED), BAD


@family
def chunk_data() -> Iterator[Draft]:
    for data in (
        b"5\r\nhello0\r\n\r\n", b"5\r\nhellox\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello\r\r\n0\r\n\r\n",
        b"5\r\nhello \r\n0\r\n\r\n", b"5\r\nhello\r\n\r\n0\r\n\r\n", b"4\r\nhello\r\n0\r\n\r\n",
        b"6\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n", b"5\rhello\r\n0\r\n\r\n", b"5\n\rhello\r\n0\r\n\r\n", b"5\r\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\n\r\n", b"5\r\nhello\r\n0\r\n\n", b"5\r\nhello\r\n0\r\r\n\r\n",
        b"\r\n5\r\nhello\r\n0\r\n\r\n",
        b"hello", b"5hello\r\n0\r\n\r\n", b"5\r\nhello\r\n;\r\n0\r\n\r\n", b"5\r\nhello\r\n0;\x00\r\n\r\n",
        b"0\r\rX: y\r\n\r\n",
    ):  # fmt: skip
        yield show(data), chunks(data), BAD
    yield "no last chunk", chunks(b"5\r\nhello\r\n"), BAD  # the canary is no chunk size
    yield "half of the end", chunks(b"0\r\n"), BAD  # the canary is no field
    yield "a request in a chunk", chunks(b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)), ONE
    yield "a request behind the end", chunks(ENDED + SMUGGLED), Forwarded((b"/", b"/smuggled"))
    yield "the end twice", chunks(ENDED + ENDED), Refused((400,), after=(b"/",))
    yield "data behind the end", chunks(ENDED + b"X"), None
    yield "many of one byte", chunks(b"1\r\nx\r\n" * 500 + ENDED), ONE


@family
def chunk_extensions() -> Iterator[Draft]:
    for extension in (
        b";", b";a", b";a=b", b';a="b"', b'; a = "b"', b";a=b;c=d", b";" + b"a" * 200, b';a="', b'";"', b";\xff",
        b";=", b";;",
        b';a="\\"', b"; 5", b";5\\r\\n",
    ):  # fmt: skip
        outcome = ONE if extension.startswith(b";") else BAD
        yield show(extension), chunks(b"5%b\r\nhello\r\n0%b\r\n\r\n" % (extension, extension)), outcome
    for extension in (
        b";a=\n", b";a=\r", b';a="\n"', b';a="\r\n"', b";\n0\r\n\r\n", b";a\nX: y", b";a\r\nX", b" ;a", b"\t;a",
        b";\x00", b";\x7f",
        b";" + b"a" * 5000, b"=a", b",a", b"x", b"\n;a", b";a\r\r",
    ):  # fmt: skip
        yield f"bad {show(extension)}", chunks(b"5%b\r\nhello\r\n0\r\n\r\n" % extension), BAD


# ---------------------------------------------------------------------- trailers


@family
def trailers() -> Iterator[Draft]:
    for line in (
        b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Host: evil", b"Authorization: Basic x", b"Cookie: a=b",
        b"Connection: close", b"Upgrade: h2c", b"Expect: 100-continue", b"X-Forwarded-For: 1.2.3.4",
        b"Forwarded: for=1.2.3.4",
        b"X-Forwarded-Proto: https", b"X-Forwarded-Host: evil", b"TE: trailers", b"Trailer: X", b"Content-Type: a/b",
        b"Content-Encoding: gzip", b"Content-Range: bytes 0-1/2", b"Cache-Control: no-cache", b"Max-Forwards: 0",
        b"Proxy-Authorization: x", b"Keep-Alive: timeout=5", b"Set-Cookie: a=b", b"X-Checksum: 1", b"cOnTeNt-lEnGtH: 5",
        b"TRANSFER-ENCODING: chunked", b"Host:", b"X-Empty:", b"X-Bytes: \xff\xfe",
    ):  # fmt: skip
        yield show(line), chunks(b"5\r\nhello\r\n0\r\n" + line + b"\r\n\r\n"), ONE
    for line in (
        b"GET /smuggled HTTP/1.1", b"X", b": y", b"X : y", b" X: y", b"X: \x00", b"X: y\nZ: w", b"X: y\rZ: w",
        b"X\x00: y",
        b"X: y\r\n z", b"X\xff: y", b"X: " + b"y" * 9000, b"\tX: y", b"X: y\x7f", b"Content-Length : 5",
    ):  # fmt: skip
        yield f"bad {show(line)}", chunks(b"5\r\nhello\r\n0\r\n" + line + b"\r\n\r\n"), BAD
    yield "many", chunks(b"0\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(200)) + END), ONE
    yield "too many", chunks(b"0\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(2000)) + END), BAD
