from hypothesis import given
from hypothesis import strategies as st

from proxy.core.access_log.record import Phases, SeenHead, phases


def test_phases_of_an_exchange_that_went_all_the_way() -> None:
    assert phases((1.0, 1.1, 1.3, 1.6, 2.0, 2.5, 3.1)) == Phases(
        read=100_000, pick=200_000, dial=300_000, write=400_000, answer=500_000, body=600_000, total=2_100_000
    )


def test_time_belongs_to_the_step_that_was_not_reached() -> None:
    assert phases((1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0)).read == 1_000_000
    assert phases((1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 2.0)).pick == 1_000_000
    assert phases((1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 2.0)).dial == 1_000_000
    assert phases((1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 2.0)).write == 1_000_000
    assert phases((1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 2.0)).answer == 1_000_000


def test_an_answer_that_came_before_the_request_was_written_leaves_no_time_for_writing() -> None:
    assert phases((1.0, 1.0, 1.0, 1.0, 0.0, 1.5, 2.0))[3:] == (0, 500_000, 500_000, 1_000_000)


@given(st.lists(st.floats(0, 1e5), min_size=7, max_size=7), st.lists(st.booleans(), min_size=5, max_size=5))
def test_phases_add_up(times: list[float], reached: list[bool]) -> None:
    began, *marks, ended = sorted(times)
    found = phases((began, *(mark if there else 0.0 for mark, there in zip(marks, reached, strict=True)), ended))  # type: ignore[arg-type]
    assert sum(found[:6]) == found.total
    assert min(found) >= 0


def test_of_a_refused_request_the_first_line_and_the_host_are_seen() -> None:
    head = SeenHead(b"GET /a b HTTP/1.1\r\nX: y\r\nhOST: example.com \r\n\r\n")
    assert (head.method, head.target, head.host, head.is_1_1) == (b"GET", b"/a", b"example.com", None)
    head = SeenHead(b"\r\nPOST http://user:secret@a/b HTTP/1.0\r\n\r\n")
    assert (head.method, head.target, head.host, head.is_1_1) == (b"POST", b"http://a/b", None, False)


def test_what_is_no_request_may_be_anything_and_is_not_seen() -> None:
    for data in (
        b"", b"\x16\x03\x01\x02", b"secret", b"secret /x HTTP/1.1\r\n", b"Authorization: secret\r\nHost: a\r\n\r\n",
        b"Cookie: id=secret\r\n\r\n", b"GET secret HTTP/1.1\r\n", b"\nsecret\r\nGET / HTTP/1.1\r\n",
    ):  # fmt: skip
        head = SeenHead(data)
        assert (head.method, head.target, head.host) == (b"", b"", None)
