"""The words of the protocol: what a client sends, and what it gets for it, at moments of a clock that we move."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.lab.models.queue.beanstalk.session import Session
from proxy.lab.models.queue.beanstalk.store import Store


class Talk:
    """One client of a store. now: of both."""

    def __init__(self, store: Store | None = None, largest: int = 65535) -> None:
        self.store = store or Store(0.0)
        self._said: list[bytes] = []
        self.woken = 0
        self.session = Session(self.store, largest, self._said.append, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def say(self, data: bytes, now: float = 0.0) -> bytes:
        self.session.feed(data, now)
        return self.heard()

    def heard(self) -> bytes:
        said = b"".join(self._said)
        self._said.clear()
        return said


def test_a_job_is_put_taken_and_deleted() -> None:
    talk = Talk()
    assert talk.say(b"put 0 0 10 5\r\nhello\r\n") == b"INSERTED 1\r\n"
    assert talk.say(b"reserve\r\n") == b"RESERVED 1 5\r\nhello\r\n"
    assert talk.say(b"delete 1\r\n") == b"DELETED\r\n"
    assert talk.say(b"peek 1\r\n") == b"NOT_FOUND\r\n"


def test_what_comes_while_it_waits_is_answered_after_the_job() -> None:
    store = Store(0.0)
    worker, client = Talk(store), Talk(store)
    assert worker.say(b"reserve\r\nlist-tube-used\r\n") == b""
    client.say(b"put 0 0 10 1\r\na\r\n")
    assert worker.heard() == b"RESERVED 1 1\r\na\r\n"
    assert worker.woken == 1
    assert worker.say(b"") == b"USING default\r\n"


def test_a_job_that_is_held_for_too_long_is_somebody_elses() -> None:
    store = Store(0.0)
    slow, other = Talk(store), Talk(store)
    slow.say(b"put 0 0 5 1\r\na\r\nreserve\r\n")
    assert other.say(b"reserve\r\n", 1.0) == b""
    store.tick(4.9)
    assert other.heard() == b""
    store.tick(5.0)
    assert other.heard() == b"RESERVED 1 1\r\na\r\n"
    assert slow.say(b"delete 1\r\n", 5.1) == b"NOT_FOUND\r\n"


def test_a_touch_begins_the_time_anew() -> None:
    talk = Talk()
    talk.say(b"put 0 0 5 1\r\na\r\nreserve\r\n")
    assert talk.say(b"touch 1\r\n", 4.0) == b"TOUCHED\r\n"
    talk.store.tick(8.9)
    assert talk.say(b"delete 1\r\n", 8.9) == b"DELETED\r\n"


def test_who_waits_with_a_job_about_to_expire_is_warned() -> None:
    talk = Talk()
    talk.say(b"put 0 0 5 1\r\na\r\nreserve\r\n")
    assert talk.say(b"reserve\r\n", 1.0) == b""
    talk.store.tick(4.0)
    assert talk.heard() == b"DEADLINE_SOON\r\n"
    assert talk.say(b"reserve\r\n", 4.5) == b"DEADLINE_SOON\r\n"


def test_a_delay_and_a_wait_end() -> None:
    talk = Talk()
    talk.say(b"put 0 3 5 1\r\na\r\n")
    assert talk.say(b"reserve-with-timeout 2\r\n") == b""
    talk.store.tick(2.0)
    assert talk.heard() == b"TIMED_OUT\r\n"
    assert talk.say(b"reserve\r\n", 2.5) == b""
    talk.store.tick(3.0)
    assert talk.heard() == b"RESERVED 1 1\r\na\r\n"


def test_a_tube_that_is_paused_gives_nothing_until_it_is_over() -> None:
    talk = Talk()
    talk.say(b"put 0 0 5 1\r\na\r\n")
    assert talk.say(b"pause-tube default 4\r\nreserve\r\n") == b"PAUSED\r\n"
    talk.store.tick(3.9)
    assert talk.heard() == b""
    talk.store.tick(4.0)
    assert talk.heard() == b"RESERVED 1 1\r\na\r\n"


def test_a_job_that_is_too_big_is_passed_over() -> None:
    talk = Talk(largest=4)
    assert talk.say(b"put 0 0 1 5\r\nab") == b"JOB_TOO_BIG\r\n"
    assert talk.say(b"cde\r\nput 0 0 1 4\r\nabcd\r\n") == b"INSERTED 1\r\n"


def test_a_line_without_end_is_not_kept() -> None:
    talk = Talk()
    for _ in range(100):
        assert talk.say(b"x" * 1000) == b""
    assert len(talk.session._held) < 300
    assert talk.say(b"x\r\nlist-tube-used\r\n") == b"BAD_FORMAT\r\nUSING default\r\n"


SCRIPT = (
    b"use a\r\nput 1 0 9 3\r\n\r\n\r\r\nput 2 0 9 0\r\n\r\nwatch a\r\nreserve\r\nreserve\r\nrelease 1 7 0\r\n"
    b"bury 2 3\r\nkick 9\r\nbogus\r\nput 1 2\r\npeek-ready\r\n" + b"y" * 300 + b"\r\ndelete 1\r\ndelete 2\r\n"
)


@given(st.lists(st.integers(1, len(SCRIPT) - 1), max_size=12).map(sorted))
def test_however_the_bytes_are_split_the_answers_are_the_same(cuts: list[int]) -> None:
    whole, parts = Talk(), Talk()
    pieces = [SCRIPT[start:end] for start, end in zip([0, *cuts], [*cuts, len(SCRIPT)], strict=True)]
    assert b"".join(parts.say(piece) for piece in pieces) == whole.say(SCRIPT) != b""
