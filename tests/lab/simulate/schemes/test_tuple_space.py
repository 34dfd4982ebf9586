from __future__ import annotations

from random import Random

from proxy.lab.simulate.schemes.tuple_space import TupleSpace
from tests.lab.simulate.schemes.recorder import Recorder


class Scripted(Random):
    """Draws what it is told."""

    def __init__(self, *draws: float) -> None:
        super().__init__(0)
        self._draws = list(draws)

    def random(self) -> float:
        return self._draws.pop(0)


def test_workers_take_what_matches_and_nothing_else() -> None:
    seen = Recorder(4)
    scheme = TupleSpace(seen.workers, Scripted(0.9, 0.9, 0.9, 0.1), seen.start, patterns=2)
    jobs = [seen.job() for _ in range(4)]
    for job in jobs:
        scheme.arrive(job)
    assert seen.started == [(1, 0), (3, 1), (0, 3)]  # the third waits beside two idle workers of the other kind
    seen.workers[0].free += 1
    scheme.finish(seen.workers[0], jobs[3])
    assert len(seen.started) == 3
    seen.workers[3].free += 1
    scheme.finish(seen.workers[3], jobs[1])
    assert seen.started[3:] == [(3, 2)]
