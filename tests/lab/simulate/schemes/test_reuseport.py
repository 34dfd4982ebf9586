from __future__ import annotations

from collections import Counter
from random import Random

from proxy.lab.simulate.schemes.reuseport import Reuseport
from proxy.lab.simulate.work import Connection
from tests.lab.simulate.schemes.recorder import Recorder


def test_a_connection_stays_with_its_worker_and_others_do_not_help() -> None:
    seen = Recorder(4)
    scheme = Reuseport(seen.workers, Random(1), seen.start)
    connection = Connection()
    first, second = seen.job(connection), seen.job(connection)
    scheme.arrive(first)
    scheme.arrive(second)
    owner = connection.worker
    assert owner is not None
    assert seen.started == [(owner.number, 0)]
    owner.free += 1
    scheme.finish(owner, first)
    assert seen.started == [(owner.number, 0), (owner.number, 1)]
    assert owner.connections == 1


def test_new_connections_fall_on_all() -> None:
    seen = Recorder(4, slots=10_000)
    scheme = Reuseport(seen.workers, Random(1), seen.start)
    for _ in range(4000):
        scheme.arrive(seen.job())
    counts = Counter(worker for worker, _ in seen.started)
    assert 900 < min(counts.values()) <= max(counts.values()) < 1100
