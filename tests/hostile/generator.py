"""Pipelines of requests with mistakes in them, for Hypothesis: valid ones and cases of the corpus, then a few mutations
near their framing."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from tests.hostile import corpus

STARTS = [
    b"GET / HTTP/1.1", b"POST / HTTP/1.1", b"HEAD /h HTTP/1.1", b"PUT /p?q=1 HTTP/1.1", b"OPTIONS * HTTP/1.1",
    b"GET http://a/x HTTP/1.1", b"POST / HTTP/1.0", b"DELETE /d HTTP/1.1",
]  # fmt: skip
FIELDS = [
    b"X: y", b"x-empty:", b"Accept: */*", b"Cookie: a=b; c=d", b"Connection: keep-alive", b"Connection: close",
    b"Connection: x, X-Gone",
    b"X-Gone: 1", b"Expect: 100-continue", b"TE: trailers", b"X-Forwarded-For: 1.2.3.4", b"Forwarded: for=x",
    b"Via: 1.1 x",
    b"Keep-Alive: timeout=5", b"Upgrade: h2c", b"X: \xff\xfe", b"Content-Type: a/b", b"Authorization: Basic x",
    b"Trailer: X",
]  # fmt: skip
BODIES = [b"", b"hello", b"GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n", b"0\r\n\r\n", b"x" * 300]
EXTENSIONS = [b"", b"", b"", b";a=b", b';a="b"']
TRAILERS = [b"", b"", b"X: y\r\n", b"Content-Length: 5\r\n", b"Host: evil\r\n", b"X-Forwarded-For: 1.2.3.4\r\n"]
INSERTS = [
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b"\x00", b"\x0b", b" ", b"\t", b":", b",", b";", b"+", b"-", b"0",
    b"1", b"_", b"0x", b"\xa0", b"\x85", b"\x7f",
    b"\r\n ", b"#", b"@", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Host: b\r\n", b"chunked", b", chunked", b"GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n", b"0\r\n\r\n",
    b"5\r\nhello\r\n", b"HTTP/1.0",
    b"Connection: close\r\n", b"Connection: content-length\r\n",
    b"X_Forwarded_For: 1.2.3.4\r\n", b"Content_Length: 5\r\n",
    b"Authorization: x\r\n", b"HTTP2-Settings: AAMAAABk\r\n", b"Upgrade: h2c\r\n", b"TE: trailers\r\n",
    b"HTTP/0.9", b"\\",
]  # fmt: skip
CORPUS = [case.data for name in corpus.FAMILIES for case in corpus.cases(name) if len(case.data) < 3000]
INTERESTING = frozenset(b"\r\n:, ;0123456789")


def build(rng: Random) -> bytes:
    """One valid request."""
    start = rng.choice(STARTS)
    lines = [b"Host: a", *rng.sample(FIELDS, rng.randrange(4))]
    body = rng.choice(BODIES)
    framing = rng.randrange(3)
    if framing == 1 and not start.endswith(b"1.0"):
        lines.append(b"Transfer-Encoding: chunked")
        body = chunks(body, rng)
    elif framing or body:
        lines.append(b"Content-Length: %d" % len(body))
    rng.shuffle(lines)
    return start + b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunks(body: bytes, rng: Random) -> bytes:
    pieces = b""
    while body:
        size = rng.randint(1, len(body))
        pieces += b"%x%b\r\n%b\r\n" % (size, rng.choice(EXTENSIONS), body[:size])
        body = body[size:]
    return pieces + b"0\r\n" + rng.choice(TRAILERS) + b"\r\n"


def mutate(data: bytes, kind: str, where: int, what: bytes) -> bytes:
    """where: any number; it picks one of the places that the kind knows."""
    if kind in ("duplicate line", "delete line", "swap lines", "insert line"):
        return mutate_lines(data, kind, where, what)
    places = [i for i, byte in enumerate(data) if byte in INTERESTING] or [0]
    at = places[where % len(places)] + where % 2
    if kind == "insert":
        return data[:at] + what + data[at:]
    if kind == "delete":
        return data[:at] + data[at + 1 + where % 3 :]
    if kind == "replace":
        return data[:at] + what + data[at + len(what) :]
    return data[:at] + data[at : at + 8] + data[at:]  # duplicate bytes


def mutate_lines(data: bytes, kind: str, where: int, what: bytes) -> bytes:
    lines = data.split(b"\r\n")
    at = where % len(lines)
    if kind == "duplicate line":
        lines.insert(at, lines[at])
    elif kind == "delete line":
        del lines[at]
    elif kind == "swap lines":
        other = where // 7 % len(lines)
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines.insert(at, what.strip(b"\r\n"))
    return b"\r\n".join(lines)


KINDS = ["insert", "delete", "replace", "duplicate", "duplicate line", "delete line", "swap lines", "insert line"]
mutations = st.tuples(st.sampled_from(KINDS), st.integers(0, 10_000), st.sampled_from(INSERTS))


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    """Some requests, up to three mistakes, and where to cut them into segments. Few draws: what is valid by itself
    comes from one seed, so that an example costs a millisecond, and shrinking removes mistakes first."""
    rng = Random(draw(st.integers(0, 1 << 32)))
    data = b"".join(build(rng) for _ in range(draw(st.integers(1, 3))))
    if draw(st.integers(0, 3)) == 0:
        data = rng.choice([data, b""]) + rng.choice(CORPUS)
    for kind, where, what in draw(st.lists(mutations, max_size=3)):
        data = mutate(data, kind, where, what)
    return data, sorted(rng.randrange(len(data) + 1) for _ in range(draw(st.sampled_from([0, 0, 1, 4]))))
