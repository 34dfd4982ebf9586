from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import h11
import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.core.http.chunked import (
    LAST_CHUNK,
    MAX_SIZE_LINE,
    MAX_TRAILERS,
    ChunkedDecoder,
    ChunkError,
    encode_chunk,
    encode_trailers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Fields = list[tuple[bytes, bytes]]


@dataclass
class Sample:
    """A valid chunked body as it may come over the wire, and what is in it."""

    wire: bytes
    body: bytes
    trailers: Fields


TOKEN = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=9).map(str.encode)
VISIBLE = st.text([chr(code) for code in (*range(0x21, 0x7F), *range(0x80, 0x100))], max_size=9)
VALUE = st.lists(VISIBLE, max_size=3).map(lambda words: " ".join(words).strip().encode("latin-1"))
FIELD = st.tuples(TOKEN.map(b"X-".__add__), VALUE)
EXTENSION = st.one_of(TOKEN.map(b";%b".__mod__), st.tuples(TOKEN, TOKEN).map(b";%b=%b".__mod__))


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    body, wire = b"", b""
    for data in draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6)):
        size = draw(st.sampled_from([b"%x", b"%X", b"%04x", b"%016X"])) % len(data)
        wire += size + draw(st.one_of(st.just(b""), EXTENSION)) + b"\r\n" + data + b"\r\n"
        body += data
    trailers = draw(st.lists(FIELD, max_size=3))
    lines = [b"%b:%b%b%b\r\n" % (name, b" " * len(value), value, b"\t" * len(name)) for name, value in trailers]
    return Sample(
        wire + b"00" + draw(st.one_of(st.just(b""), EXTENSION)) + b"\r\n" + b"".join(lines) + b"\r\n", body, trailers
    )


def split(data: bytes, cuts: Iterable[int]) -> Iterator[bytes]:
    start = 0
    for cut in sorted(cuts):
        yield data[start:cut]
        start = max(start, cut)
    yield data[start:]


def decode(reads: Iterable[bytes], decoder: ChunkedDecoder | None = None) -> tuple[bytes, bytes, Fields]:
    """Body, rest, trailers. What was not read when the body ended is part of the rest."""
    decoder = decoder or ChunkedDecoder()
    body, rest = b"", b""
    for data in reads:
        if decoder.complete:
            rest += data
            continue
        pieces = decoder.feed(data)
        assert b"" not in pieces
        assert len(decoder._held) <= max(MAX_SIZE_LINE, MAX_TRAILERS)
        body += b"".join(pieces)
    assert decoder.complete
    return body, decoder.rest + rest, decoder.trailers


def bytewise(data: bytes) -> Iterator[bytes]:
    return (data[i : i + 1] for i in range(len(data)))


@given(samples(), st.binary(max_size=20), st.lists(st.integers(0, 300)))
def test_any_split_gives_the_same_result(sample: Sample, rest: bytes, cuts: list[int]) -> None:
    data = sample.wire + rest
    expected = (sample.body, rest, sample.trailers)
    assert decode([data]) == expected
    assert decode(split(data, cuts)) == expected
    assert decode(bytewise(data)) == expected


@given(samples(), st.integers(0))
def test_it_is_complete_at_the_last_byte_and_not_before(sample: Sample, cut: int) -> None:
    decoder = ChunkedDecoder()
    decoder.feed(sample.wire[: cut % len(sample.wire)])
    assert not decoder.complete
    decoder.feed(sample.wire[cut % len(sample.wire) :])
    assert decoder.complete
    assert decoder.rest == b""


@given(st.lists(st.binary()), st.lists(FIELD))
def test_what_is_encoded_can_be_decoded(pieces: list[bytes], trailers: Fields) -> None:
    wire = b"".join(map(encode_chunk, pieces)) + encode_trailers(trailers)
    assert decode([wire]) == (b"".join(pieces), b"", trailers)


def test_encoding() -> None:
    assert encode_chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"
    assert encode_chunk(b"") == b""  # and not the end of the body
    assert encode_trailers([]) == LAST_CHUNK
    assert encode_trailers([(b"A", b"1"), (b"A", b"2")]) == b"0\r\nA: 1\r\nA: 2\r\n\r\n"


# -- the same as others, on valid input --------------------------------------------------------------------------

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@given(samples())
def test_it_agrees_with_h11(sample: Sample) -> None:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(HEAD + sample.wire)
    assert isinstance(connection.next_event(), h11.Request)
    body = b""
    while isinstance(event := connection.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert (body, list(event.headers)) == (sample.body, [(name.lower(), value) for name, value in sample.trailers])
    assert decode([sample.wire])[0] == body


class Seen:
    """httptools' callbacks. It gives trailers through `on_header`, with the blanks behind their values."""

    def __init__(self) -> None:
        self.body = b""
        self.fields: Fields = []
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value.strip()))

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


@given(samples())
def test_it_agrees_with_httptools(sample: Sample) -> None:
    seen = Seen()
    httptools.HttpRequestParser(seen).feed_data(HEAD + sample.wire)
    assert seen.complete
    assert decode([sample.wire]) == (seen.body, b"", seen.fields[2:])


# -- what is refused ---------------------------------------------------------------------------------------------

# What may still become a body, and a byte that makes it impossible.
MALFORMED = [
    # chunk size
    (b"", b"\r"),
    (b"", b"\n"),
    (b"", b" "),
    (b"", b"+"),
    (b"", b"-"),
    (b"", b"g"),
    (b"", b";"),
    (b"", b"\x00"),
    (b"0", b"x"),
    (b"1", b"_"),
    (b"1", b"."),
    (b"5", b" "),
    (b"5", b"\t"),
    (b"5", b"\n"),
    (b"5", b"\x00"),
    (b"5\r", b"\r"),
    (b"5\r", b"5"),
    (b"0" * 16, b"0"),
    (b"f" * 16, b"f"),
    # extensions
    (b"5;a=b", b"\n"),
    (b"5;a=b", b"\x00"),
    (b"5;a=b", b"\x7f"),
    (b"5;a=b\r", b"c"),
    (b'5;a="b', b"\n"),
    (b"0;a", b"\n"),
    # the end of a chunk
    (b"5\r\nhello", b"\n"),
    (b"5\r\nhello", b"!"),
    (b"5\r\nhello", b"0"),
    (b"5\r\nhello\r", b"\r"),
    (b"5\r\nhello\r", b"0"),
    (b"5\r\nhello\r\n", b"\r"),
    (b"5\r\nhello\r\n5\r\nhello", b" "),
    # trailers
    (b"0\r\n", b"\n"),
    (b"0\r\n", b" "),
    (b"0\r\n", b"\t"),
    (b"0\r\n", b":"),
    (b"0\r\n\r", b"\r"),
    (b"0\r\n\r", b"A"),
    (b"0\r\nA", b" "),
    (b"0\r\nA", b"\r"),
    (b"0\r\nA", b"\n"),
    (b"0\r\nA", b"\xe9"),
    (b"0\r\nA", b"("),
    (b"0\r\nA: b", b"\n"),
    (b"0\r\nA: b", b"\x00"),
    (b"0\r\nA: b", b"\x7f"),
    (b"0\r\nA: b\r", b"c"),
    (b"0\r\nA: b\r\n", b" "),
    (b"0\r\nA: b\r\n", b"\t"),
    (b"0\r\nA: b\r\n\r", b"c"),
]
malformed = pytest.mark.parametrize(("good", "bad"), MALFORMED)


@malformed
def test_the_first_impossible_byte_is_refused_at_once(good: bytes, bad: bytes) -> None:
    decoder = ChunkedDecoder()
    for byte in bytewise(good):
        decoder.feed(byte)
    with pytest.raises(ChunkError, match="bad or overlong"):
        decoder.feed(bad)


@malformed
def test_no_split_hides_a_fault(good: bytes, bad: bytes) -> None:
    wire = good + bad + b"\r\n\r\n0\r\n\r\n"
    for cut in range(len(wire)):
        with pytest.raises(ChunkError):
            decode([wire[:cut], wire[cut:]])


WORDS = [
    b"0",
    b"1",
    b"5",
    b"x",
    b"hello",
    b"\r\n",
    b"\r",
    b"\n",
    b";a",
    b" ",
    b"A",
    b":",
    b"\x00",
    b"0\r\n",
    b"1\r\nx\r\n",
]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(b"".join), st.lists(st.integers(0, 40)))
@example(b"5;\r\nhello\r\n0\r\n\r\n", [3])
def test_any_bytes_are_taken_or_refused_alike_however_they_are_split(data: bytes, cuts: list[int]) -> None:
    def outcome(reads: Iterable[bytes]) -> object:
        try:
            return decode(reads)
        except ChunkError:
            return "refused"
        except AssertionError:
            return "incomplete"

    assert outcome([data]) == outcome(split(data, cuts)) == outcome(bytewise(data))


def test_the_message_is_short_and_shows_the_fault() -> None:
    with pytest.raises(ChunkError) as caught:
        ChunkedDecoder().feed(b"5;" + b"a" * 100 + b"\n" + b"b" * 1000)
    assert str(caught.value) == f"bad or overlong chunk-size line: b'\\n' after b'{'a' * 20}'"


@pytest.mark.parametrize("reads", [lambda data: [data], bytewise])
def test_a_size_line_has_at_most_256_bytes(reads: Callable[[bytes], Iterable[bytes]]) -> None:
    longest = b"0" * 15 + b"5;" + b"a" * (MAX_SIZE_LINE - 19) + b"\r\n"
    assert len(longest) == MAX_SIZE_LINE
    assert decode(reads(longest + b"hello\r\n" + LAST_CHUNK))[0] == b"hello"
    with pytest.raises(ChunkError, match="overlong chunk-size line"):
        decode(reads(longest.replace(b";", b";a") + b"hello\r\n" + LAST_CHUNK))


@pytest.mark.parametrize("reads", [lambda data: [data], bytewise])
@pytest.mark.parametrize("lines", [[30], [10, 10, 10], [28, 2], [2, 2, 26]])
def test_trailers_take_at_most_the_room_given(reads: Callable[[bytes], Iterable[bytes]], lines: list[int]) -> None:
    fields = b"".join(b"A:" + b"b" * size + b"\r\n" for size in lines)
    wire = b"0\r\n" + fields + b"\r\n"
    assert len(decode(reads(wire), ChunkedDecoder(max_trailers=len(fields) + 2))[2]) == len(lines)
    with pytest.raises(ChunkError, match="trailer section is too long"):
        decode(reads(wire), ChunkedDecoder(max_trailers=len(fields) + 1))


@pytest.mark.parametrize(
    ("start", "endless", "limit"),
    [
        (b"5;", b"a", 256),
        (b"", b"0", 16),
        (b"0\r\nA:", b"b", 8192),
        (b"0\r\n", b"a", 8192),
        (b"0\r\n", b"A:\r\n", 8192),
    ],
)
def test_an_endless_line_is_refused_before_it_fills_memory(start: bytes, endless: bytes, limit: int) -> None:
    decoder = ChunkedDecoder()
    decoder.feed(start)

    def feed_all() -> None:
        for _ in range(0, limit + 1, len(endless)):
            decoder.feed(endless)
            assert len(decoder._held) <= limit

    with pytest.raises(ChunkError):
        feed_all()


# -- the shape of the pieces -------------------------------------------------------------------------------------


def test_a_read_inside_a_chunk_is_not_copied() -> None:
    decoder = ChunkedDecoder()
    decoder.feed(b"40000\r\n")
    data = b"x" * 65536
    (piece,) = decoder.feed(data)
    assert piece is data


def test_a_read_of_one_whole_chunk_leaves_nothing_to_hold() -> None:
    decoder = ChunkedDecoder()
    for _ in range(3):
        assert decoder.feed(encode_chunk(b"hello")) == [b"hello"]
        assert decoder._held == b""


def test_many_tiny_chunks_in_one_read() -> None:
    """Were it quadratic, it would copy 300 GB, and the run would not end."""
    wire = encode_chunk(b"x") * 300_000 + LAST_CHUNK
    assert decode([wire])[0] == b"x" * 300_000


def test_sixteen_digits_are_a_size() -> None:
    decoder = ChunkedDecoder()
    assert decoder.feed(b"F" * 16 + b"\r\nx") == [b"x"]
    assert decoder._left == 2**64 - 2


def test_an_empty_read_changes_nothing() -> None:
    decoder = ChunkedDecoder()
    body = b""
    for data in bytewise(b"5\r\nhello\r\n0\r\nA: b\r\n\r\n"):
        assert decoder.feed(b"") == []
        body += b"".join(decoder.feed(data))
    assert decoder.feed(b"") == []
    assert (body, decoder.trailers, decoder.complete) == (b"hello", [(b"A", b"b")], True)


def test_nothing_may_follow_a_complete_body() -> None:
    decoder = ChunkedDecoder()
    decoder.feed(LAST_CHUNK)
    with pytest.raises(ValueError, match="complete already"):
        decoder.feed(b"GET")
