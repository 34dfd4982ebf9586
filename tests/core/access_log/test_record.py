from hypothesis import given
from hypothesis import strategies as st

from proxy.core.access_log.record import SeenHead, is_good, phases
from tests.core.access_log.support import record


def test_phases_of_an_exchange_that_went_all_the_way() -> None:
    assert phases((1.0, 1.1, 1.3, 1.6, 2.0, 2.5, 3.1)) == (
        100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 2_100_000,
    )  # fmt: skip
    assert phases((1.0, 1.0, 1.0, 1.0, 1.0, 2.5, 3.1)) == (0, 0, 0, 0, 1_500_000, 600_000, 2_100_000)


def test_time_belongs_to_the_step_that_was_not_reached() -> None:
    for step in range(5):
        marks = [1.0] * (step + 1) + [0.0] * (5 - step) + [2.0]
        assert phases(marks)[step] == phases(marks)[6] == 1_000_000


def test_an_answer_that_came_before_the_request_was_written_leaves_no_time_for_writing() -> None:
    assert phases((1.0, 1.0, 1.0, 1.0, 0.0, 1.5, 2.0))[3:] == (0, 500_000, 500_000, 1_000_000)


@given(st.lists(st.floats(0, 1e5), min_size=7, max_size=7), st.lists(st.booleans(), min_size=5, max_size=5))
def test_phases_add_up(times: list[float], reached: list[bool]) -> None:
    began, *marks, ended = sorted(times)
    found = phases((began, *(mark if there else 0.0 for mark, there in zip(marks, reached, strict=True)), ended))
    assert sum(found[:6]) == found[6]
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


def test_what_is_good() -> None:
    assert is_good(record(status=404)[4])
    assert is_good(record(status=0)[4])
    assert not is_good(record(status=500)[4])
    assert not is_good(record(status=499, reason="read/client-gone")[4])
