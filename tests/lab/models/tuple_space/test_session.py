"""The lines of the protocol, at moments of a clock that we move."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.lab.models.tuple_space.session import BadLine, Session
from proxy.lab.models.tuple_space.space import Space


class Talk:
    def __init__(self, space: Space | None = None) -> None:
        self.space = Space() if space is None else space
        self._said: list[bytes] = []
        self.session = Session(self.space, self._said.append)

    def say(self, now: float = 0.0, **order: Any) -> list[Any]:
        self.session.feed(json.dumps(order).encode() + b"\n", now)
        return self.heard()

    def heard(self) -> list[Any]:
        said = [json.loads(line) for line in b"".join(self._said).splitlines()]
        self._said.clear()
        return said


def test_a_tuple_is_written_read_and_taken() -> None:
    talk = Talk()
    assert talk.say(do="write", tuple=["a", 1]) == []
    assert talk.say(do="write", id="w", tuple=["a", 2]) == [{"id": "w", "done": True}]
    assert talk.say(do="read", id=1, pattern=["a", None]) == [{"id": 1, "tuple": ["a", 1]}]
    assert talk.say(do="take", id=1, pattern=[None, 1]) == [{"id": 1, "tuple": ["a", 1]}]
    assert talk.say(do="take", id=1, pattern=["a", 1]) == []
    assert talk.say(do="cancel", id=1) == [{"id": 1, "ended": "cancelled"}]
    assert talk.say(do="take", id=1, pattern=["b"], seconds=0) == [{"id": 1, "ended": "expired"}]


def test_what_was_leased_to_one_who_is_gone_is_there_again() -> None:
    space = Space()
    gone, other = Talk(space), Talk(space)
    gone.say(do="write", tuple=["a"])
    assert gone.say(do="take", id=1, pattern=["a"], lease=100) == [{"id": 1, "tuple": ["a"], "lease": 1}]
    gone.say(do="take", id=2, pattern=["a"])
    gone.session.end(1.0)
    assert gone.heard() == []
    assert other.say(do="take", id=1, pattern=["a"]) == [{"id": 1, "tuple": ["a"]}]


def test_what_was_taken_by_one_who_is_gone_is_lost() -> None:
    talk = Talk()
    talk.say(do="write", tuple=["a"])
    talk.say(do="take", id=1, pattern=["a"])
    talk.session.end(1.0)
    assert len(talk.space) == 0


def test_a_lease_is_ended_as_its_holder_says() -> None:
    talk = Talk()
    for _ in range(2):
        talk.say(do="write", tuple=["a"])
        talk.say(do="take", id=1, pattern=["a"], lease=5)
    assert talk.say(do="renew", id=2, lease=1, seconds=50) == [{"id": 2, "done": True}]
    talk.space.tick(5.0)
    assert talk.say(do="keep", id=3, lease=2) == [{"id": 3, "done": False}]
    assert talk.say(do="give back", id=4, lease=1) == [{"id": 4, "done": True}]
    assert len(talk.space) == 2


@pytest.mark.parametrize(
    "line",
    ["", "{", "[]", '{"do": "dance"}', '{"do": "write", "tuple": 1}', '{"do": "write", "tuple": [], "seconds": "a"}',
     '{"do": "take", "pattern": []}', '{"do": "take", "id": 1, "pattern": [], "lease": -1}', '{"do": "keep"}'],
)  # fmt: skip
def test_a_line_that_is_none_is_told(line: str) -> None:
    with pytest.raises(BadLine):
        Talk().session.feed(line.encode() + b"\n", 0.0)
