from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.core.errors import BadRequest
from proxy.core.http.request import RequestHead, RequestParser
from proxy.core.http.shapes import FEWEST, FIRST_CREDIT, LARGEST, MAX_SHAPES, PRICE
from tests.core.http.heads import parse, request

COMMON = (b"User-Agent: x/1", b"Accept: */*", b"Accept-Language: en")
BACK = b"\r\n".join((*COMMON, b"", b""))
FACTS = [name for name in RequestHead.__slots__ if name not in ("connection", "once", "shape", "own", "log_text")]


def facts(head: RequestHead) -> list[object]:
    return [getattr(head, name) for name in FACTS]


def shaped(*heads: bytes, parser: RequestParser | None = None) -> RequestHead:
    """The last of them, all from one client."""
    parser = parser or RequestParser()
    return [parser.parse(head, "192.0.2.1") for head in heads][-1]


def test_the_third_head_of_a_client_that_repeats_its_fields_fits() -> None:
    heads = [request(*COMMON, first=b"GET /%d HTTP/1.1" % number) for number in range(3)]
    assert shaped(*heads[:2]).shape is None
    head = shaped(*heads)
    assert head.shape is not None
    assert head.own == b""
    assert facts(head) == facts(parse(heads[2]))


@pytest.mark.parametrize("place", range(len(COMMON) + 1))
def test_what_is_new_in_each_may_stand_anywhere(place: int) -> None:
    heads = [request(*COMMON[:place], b"X-Id:  %d " % number, *COMMON[place:]) for number in range(4)]
    head = shaped(*heads)
    assert head.own == b"X-Id:  3 \r\n"
    assert facts(head) == facts(parse(heads[3]))


def test_a_name_that_ends_as_one_at_the_back_is_another() -> None:
    known = [request(*COMMON, b"X-Id: %d" % number, b"X-A: 1", b"X-B: 2") for number in range(4)]
    head = request(*COMMON, b"Not-X-A: 1", b"X-B: 2")
    assert facts(shaped(*known, head)) == facts(parse(head))


def test_front_and_back_do_not_share_lines() -> None:
    same = (b"X-A: 1", b"X-B: 2", b"X-C: 3")
    known = [request(*same, b"X-Id: %d" % number, *same, host=None, first=b"GET / HTTP/1.0") for number in range(4)]
    head = request(*same, host=None, first=b"GET / HTTP/1.0")
    assert facts(shaped(*known, head)) == facts(parse(head))


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        (b"Host: b", "two-hosts"), (b"Range: x", "twice"), (b"X-Id: 1\x00", "syntax"), (b"X-Id : 1", "syntax"),
        (b" X-Id: 1", "syntax"), (b"X-Id: 1\rX-Id: 2", "syntax"), (b"X-Id: 1\nX-Id: 2", "syntax"),
        (b"X-Id:1\r\n" * 4 + b"X-Id:1", "too-many-fields"),
    ],
)  # fmt: skip
def test_rules_hold_across_what_is_known_and_what_is_new(own: bytes, reason: str) -> None:
    parser = RequestParser(max_fields=8)
    known = [request(b"Range: a", b"X-Id: %d" % number, *COMMON) for number in range(4)]
    assert shaped(*known, parser=parser).shape is not None
    with pytest.raises(BadRequest) as caught:
        parser.parse(request(b"Range: a", own, *COMMON), "192.0.2.1")
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "first",
    [
        b"POST / HTTP/1.1", b"GET / HTTP/1.0", b"GET http://a.test/ HTTP/1.1", b"OPTIONS * HTTP/1.1",
        b"GET /<a> HTTP/1.1", b"GET /a#b HTTP/1.1", b"GET  / HTTP/1.1", b"GET / HTTP/1.1 HTTP/1.1", b"BREW / HTTP/1.1",
        b"get / HTTP/1.1", b"GET /\\ HTTP/1.1", b"GET /?\\ HTTP/1.1", b"GET /\xff HTTP/1.1", b"CONNECT / HTTP/1.1",
    ],
)  # fmt: skip
def test_other_requests_are_read_as_by_a_parser_that_is_new(first: bytes) -> None:
    knowing = RequestParser()
    shaped(*[request(*COMMON, first=b"GET /%d HTTP/1.1" % number) for number in range(3)], parser=knowing)
    head = request(*COMMON, first=first)
    assert _outcome(knowing, head, "192.0.2.1") == _outcome(RequestParser(), head, None)


@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Length: 1",), (b"Connection: close",), (b"TE: trailers",), (b"Expect: 100-continue",),
        (b"Connection: x-hop", b"X-Hop: 1"), (b"Upgrade: websocket", b"Connection: upgrade"),
    ],
)  # fmt: skip
def test_heads_that_mean_more_are_read_every_time(fields: tuple[bytes, ...]) -> None:
    assert shaped(*[request(*COMMON, *fields, first=b"GET /%d HTTP/1.1" % number) for number in range(4)]).shape is None


def test_browsers_say_keep_alive() -> None:
    heads = [request(b"Connection: keep-alive", *COMMON, first=b"GET /%d HTTP/1.1" % number) for number in range(4)]
    assert shaped(*heads).shape is not None
    assert facts(shaped(*heads)) == facts(parse(heads[-1]))


def test_clients_have_shapes_of_their_own() -> None:
    parser = RequestParser()
    for number in range(4):
        parser.parse(request(*COMMON, b"X-Id: %d" % number), "192.0.2.1")
    assert parser.parse(request(*COMMON, b"X-Id: 9"), "192.0.2.2").shape is None
    assert parser.parse(request(*COMMON, b"X-Id: 9")).shape is None


def test_their_number_and_size_are_bounded() -> None:
    parser = RequestParser()
    large = request(*COMMON, b"X-Large: " + b"x" * LARGEST)
    assert shaped(*[large] * 4, parser=parser).shape is None
    for number in range(2 * MAX_SHAPES):
        for _ in range(2):
            parser.parse(request(*COMMON), f"192.0.2.{number}")
        assert len(parser._shapes._known) <= MAX_SHAPES
    assert parser._shapes._known


def test_a_client_without_habits_is_given_up() -> None:
    parser = RequestParser()
    heads = [request(*[b"X-%d-%d: 1" % (field, number) for field in range(FEWEST)]) for number in range(30)]
    shapes = []
    for head in heads:
        parser.parse(head, "192.0.2.1")
        shapes.append(parser._shapes.find("192.0.2.1"))
    assert len(set(shapes[1:])) == 1 + FIRST_CREDIT // PRICE
    assert facts(parser.parse(heads[0], "192.0.2.1")) == facts(parse(heads[0]))


LINES = st.lists(
    st.sampled_from([
        b"A: 1", b"a:2", b"B: 3 ", b"Accept: x", b"Connection: close", b"Connection: keep-alive, a", b"TE: trailers",
        b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Content-Type: x", b"Upgrade: websocket", b"Host: a",
        b"Connection: upgrade", b"Expect: 100-continue", b"X_Y: 1", b"X-Forwarded-For: 1.2.3.4", b"Range: bytes=0-",
    ]),
    max_size=8,
)  # fmt: skip


# What llhttp was not asked about it would have accepted, whatever a client says between what it repeats.
OWN = st.lists(st.binary(max_size=3) | st.sampled_from([b"X-Id: ", b"\r\n", b": ", b"a", b"X-A"]), max_size=6).map(
    b"".join
)
TARGET = st.binary(max_size=4) | st.text('/?%a\\#<"{|}^`~', max_size=5).map(str.encode)


@given(st.sampled_from([b"GET", b"HEAD", b"OPTIONS", b"DELETE"]), TARGET, OWN)
def test_no_head_is_taken_that_llhttp_refuses(method: bytes, target: bytes, own: bytes) -> None:
    knowing = RequestParser()
    heads = [request(*COMMON, b"X-Id: %d" % number, *COMMON) for number in range(4)]
    assert shaped(*heads, parser=knowing).shape is not None
    head = request(*COMMON, first=b"%b /%b HTTP/1.1" % (method, target))[:-2] + own + b"\r\n" + BACK
    assume(head.index(b"\r\n\r\n") == len(head) - 4)
    assert _outcome(knowing, head, "192.0.2.1") == _outcome(RequestParser(), head, None)


@given(st.lists(st.tuples(LINES, st.integers(1, 3)), min_size=1, max_size=6))
def test_a_parser_that_knows_a_client_reads_as_one_that_does_not(heads: list[tuple[list[bytes], int]]) -> None:
    knowing = RequestParser()
    for lines, times in heads:
        for number in range(times):
            first = b"%b /%d HTTP/1.1" % (b"GET" if number else b"POST", number)
            head = request(*COMMON, *lines, b"X-Id: %d" % number, *COMMON, first=first)
            assert _outcome(knowing, head, "192.0.2.1") == _outcome(RequestParser(), head, None)


def _outcome(parser: RequestParser, head: bytes, client: str | None) -> object:
    try:
        return facts(parser.parse(head, client))
    except BadRequest as error:
        return error.status, error.reason
