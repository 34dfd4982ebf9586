"""Answers with mistakes in them, for Hypothesis: valid ones, then a few mutations near their framing, and an end."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from tests.hostile.generator import KINDS, chunks, mutate

STATUS_LINES = [
    b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not Found", b"HTTP/1.0 200 OK",
    b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 500", b"HTTP/1.1 302 ",
]  # fmt: skip
INTERIM = [b"", b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]
FIELDS = [
    b"Server: x", b"X: y", b"x-empty:", b"Set-Cookie: a=b; Path=/", b"Set-Cookie: c=d", b"Connection: keep-alive",
    b"Connection: close", b"Connection: x-gone", b"X-Gone: 1", b"Keep-Alive: timeout=5", b"Upgrade: h2c", b"X: \xff",
    b"Content-Type: text/plain", b"Trailer: X", b"Connection: transfer-encoding", b"api_key: 1", b"ETag: \"a\"",
]  # fmt: skip
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
BODIES = [b"", b"hello", POISON, b"0\r\n\r\n", b"x" * 300, b"y" * 70_000]
BEHIND = [b"", b"", b"", POISON, b"\r\n", b"x"]
INSERTS = [
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b"\x00", b"\x0b", b" ", b"\t", b":", b",", b";", b"+", b"-", b"0",
    b"1", b"_", b"0x", b"\xa0", b"\x7f", b"\r\n ", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"chunked", b", chunked", b"0\r\n\r\n",
    b"5\r\nhello\r\n", b"HTTP/1.0", b"HTTP/2.0", b"100", b"101", b"204", b"304", b"999", POISON,
    b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n", b"Connection: close\r\n", b"X: y\r\n" * 300,
]  # fmt: skip


@dataclass(frozen=True)
class Lie:
    """closes: the backend ends the connection behind it. to_head, is_1_1, takes_trailers: what the client asked."""

    data: bytes
    cuts: tuple[int, ...]
    closes: bool
    to_head: bool
    is_1_1: bool
    takes_trailers: bool


def build(rng: Random) -> bytes:
    """One valid answer."""
    start = rng.choice(STATUS_LINES)
    lines = rng.sample(FIELDS, rng.randrange(4))
    body = rng.choice(BODIES)
    framing = rng.randrange(4)
    if framing == 0 and not start.startswith(b"HTTP/1.0"):
        lines.append(b"Transfer-Encoding: chunked")
        body = chunks(body, rng) if len(body) < 1000 else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    elif framing < 3:
        lines.append(b"Content-Length: %d" % len(body))
    rng.shuffle(lines)
    head = start + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"
    return rng.choice(INTERIM) + head + body


mutations = st.tuples(st.sampled_from(KINDS), st.integers(0, 10_000), st.sampled_from(INSERTS))


@st.composite
def lies(draw: st.DrawFn) -> Lie:
    """As `generator.pipelines`: what is valid comes from one seed, mistakes and cuts are drawn."""
    rng = Random(draw(st.integers(0, 1 << 32)))
    data = build(rng) + rng.choice(BEHIND)
    for kind, where, what in draw(st.lists(mutations, max_size=2)):
        data = mutate(data, kind, where, what)
    if draw(st.integers(0, 3)) == 0:
        data = data[: rng.randrange(len(data) + 1)]
    cuts = tuple(sorted(rng.randrange(len(data) + 1) for _ in range(draw(st.sampled_from([0, 0, 1, 4])))))
    flags = rng.randrange(32)
    return Lie(data, cuts, bool(flags & 1), flags & 6 == 6, flags & 24 != 24, bool(flags & 8))
