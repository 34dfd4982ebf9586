"""What every parser of hostile bytes must hold to, whatever the bytes are: one function per parser, for a fuzzer.

Each raises AssertionError where we and a second opinion differ, and lets everything through that is no refusal of ours.
The second opinions are the strict readers of `tests.hostile`, which share no line with proxy/, and h11.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from proxy.core.client.client_hello import HelloReader
from proxy.core.client.proxy_protocol import parse as parse_proxy_header
from proxy.core.config import check_text, render_problems
from proxy.core.errors import REASON_PHRASES, BadHello, BadProxyHeader, BadRequest, BadResponse
from proxy.core.http.chunked import MAX_SIZE_LINE, MAX_TRAILERS, ChunkedDecoder, ChunkError
from proxy.core.http.framing import CHUNKED, END_OF_HEAD, UNTIL_CLOSE
from proxy.core.http.request import RequestParser, could_be_request, skip_empty_lines
from proxy.core.http.response import ResponseParser, could_be_response
from tests.hostile.lie_trial import differences as response_differences
from tests.hostile.lies import Lie
from tests.hostile.recording_backend import comparable
from tests.hostile.strict_client import read_response
from tests.hostile.strict_client import read_with_h11 as read_response_with_h11
from tests.hostile.strict_reader import Broken, Incomplete, read_all, read_chunks, read_with_h11
from tests.hostile.trial import differences as request_differences

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.http.request import RequestHead
    from proxy.core.http.response import ResponseHead

CLIENT = b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n\r\n"
MOST = 10_000  # bytes of a body that is made up to fit its head
_OLD = RequestParser()  # with a long memory: it must read every head as a new one does
_FRONT, _BACK = b"Host: a\r\nAccept: */*\r\nX-A: 1\r\n", b"Accept: */*\r\nX-B: 1\r\n\r\n"


def _knowing() -> RequestParser:
    """A parser that asks llhttp nothing about what stands between these fields, if it is plain."""
    parser = RequestParser()
    for number in range(4):
        parser.parse(b"GET / HTTP/1.1\r\n%bX-Id: %d\r\n%b" % (_FRONT, number, _BACK), "a client")
    shape = parser._shapes.find("a client")
    assert shape is not None
    shape.credit = -(10**9)  # whatever comes, it stays
    return parser


_KNOWING = _knowing()


def request(data: bytes) -> None:
    """A head that is taken has one strict reading, and what the backend gets reads as the same to both judges."""
    data = skip_empty_lines(data)
    end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
    if end < len(END_OF_HEAD):
        could_be_request(data)
        return
    raw = data[:end]
    head = _read_request(RequestParser(), raw)
    again = _read_request(_OLD, raw, "a client")
    _compare_as_repeated(raw)
    assert (head is None) == (again is None), "a parser that met other heads decides otherwise"
    if head is None or again is None:
        return
    assert head.forward == again.forward, "a parser that met other heads writes another head"
    assert all(could_be_request(raw[:cut]) for cut in range(1, end)), "it would have been refused in two segments"
    if head.length > MOST:
        return
    body = b"0\r\n\r\n" if head.length == CHUNKED else b"x" * head.length
    meant, seen = read_all(raw + body), read_all(head.forward + CLIENT + body)
    assert meant.end in ("complete", "last"), (meant, raw)
    assert (seen.end, len(seen.requests), len(meant.requests)) == ("complete", 1, 1), (seen, head.forward)
    found = request_differences(seen.requests[0], meant.requests[0])
    assert not found, (found, raw)
    by_h11 = read_with_h11(head.forward + CLIENT + body)
    assert [*map(comparable, by_h11.requests)] == [*map(comparable, seen.requests)], (by_h11, head.forward)


def _compare_as_repeated(raw: bytes) -> None:
    """Its line, and its fields between others that a client repeats."""
    line, _, fields = raw.partition(b"\r\n")
    repeated = b"%b\r\n%b%b%b" % (line, _FRONT, fields[:-2].replace(b"Host:", b"X-Host:"), _BACK)
    known, new = _read_request(_KNOWING, repeated, "a client"), _read_request(RequestParser(), repeated)
    assert (known is None) == (new is None), ("what a client repeats makes another verdict", repeated)
    assert known is None or new is None or known.forward == new.forward, ("or another head", repeated)


def _read_request(parser: RequestParser, raw: bytes, client: str | None = None) -> RequestHead | None:
    try:
        return parser.parse(raw, client)
    except BadRequest as error:
        return _refusal(error)


def _refusal(error: BadRequest) -> None:
    assert error.status in REASON_PHRASES, error


def response(data: bytes) -> None:
    """The same for what a backend answers and its client gets."""
    end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
    if end < len(END_OF_HEAD):
        could_be_response(data)
        return
    raw = data[:end]
    head = _read_response(raw)
    if head is None:
        return
    if _starts_usually(raw):
        assert all(could_be_response(raw[:cut]) for cut in range(1, end)), "it would have been refused in two segments"
    if head.status < 200 or head.length > MOST:
        return
    body = b"0\r\n\r\n" if head.length == CHUNKED else b"x" * max(head.length, 0)
    meant = read_response(raw + body)
    assert (meant.end, meant.left) == ("whole", b""), (meant, raw)
    passed_on = head.persistent + (b"0\r\n\r\n" if head.length in (CHUNKED, UNTIL_CLOSE) else body)
    got = read_response(passed_on, has_ended=False)
    found = response_differences(Lie(raw, (), True, False, True, True), got, meant)
    assert (got.end, got.left, found) == ("whole", b"", []), (found, got, raw)
    by_h11 = read_response_with_h11(passed_on, has_ended=False)
    assert (by_h11.end, by_h11.status, by_h11.body) == ("whole", got.status, got.body), (by_h11, passed_on)


def _read_response(raw: bytes) -> ResponseHead | None:
    try:
        return ResponseParser().parse(raw)
    except BadResponse:
        return None


def _starts_usually(raw: bytes) -> bool:
    return raw.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))


def chunks(data: bytes) -> None:
    """However it is split, a body is taken apart in one way, the strict reader's; only our limits are stricter."""
    whole = _decode([data])
    rng = Random(len(data))
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(5))
    assert _decode([data[i:j] for i, j in zip([0, *cuts], [*cuts, len(data)], strict=True)]) == whole, "split"
    try:
        body, trailers, at = read_chunks(data, 0)
    except Incomplete:
        assert whole == "incomplete" or whole == "refused", (whole, data)
    except Broken:
        assert whole == "refused", (whole, data)
    else:
        is_large = len(data) > min(MAX_SIZE_LINE, MAX_TRAILERS)
        assert whole == (body, list(trailers), data[at:]) or (is_large and whole == "refused"), (whole, data)


def _decode(pieces: list[bytes]) -> tuple[bytes, list[tuple[bytes, bytes]], bytes] | str:
    decoder, body = ChunkedDecoder(), b""
    for number, piece in enumerate(pieces):
        try:
            body += b"".join(decoder.feed(piece))
        except ChunkError:
            return "refused"
        if decoder.complete:
            return body, decoder.trailers, decoder.rest + b"".join(pieces[number + 1 :])
    return "incomplete"


def proxy_header(data: bytes) -> None:
    """A header is found whole or not at all, and at the same place with or without what follows."""
    try:
        header = parse_proxy_header(data)
    except BadProxyHeader:
        return
    if header is not None:
        assert parse_proxy_header(data[: header.size]) == header
        assert parse_proxy_header(data[: header.size] + b"\r\nGET") == header


def client_hello(data: bytes) -> None:
    """However it is split, it is the same hello or the same refusal."""

    def read(pieces: list[bytes]) -> object:
        reader = HelloReader()
        try:
            for piece in pieces:
                if (hello := reader.feed(piece)) is not None:
                    return hello
        except BadHello as error:
            return error.reason, error.detail
        return None

    assert read([data]) == read([data[i : i + 1] for i in range(len(data))])


def config(data: bytes) -> None:
    """Any text gives a configuration or messages."""
    text = data.decode("utf-8", "replace")
    checked = check_text(text, "lb.toml")
    assert checked.config is not None or render_problems(checked.problems)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "request": request, "response": response, "chunks": chunks, "proxy_header": proxy_header,
    "client_hello": client_hello, "config": config,
}  # fmt: skip
