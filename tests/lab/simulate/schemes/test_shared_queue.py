from __future__ import annotations

from random import Random

from proxy.lab.simulate.idle import FirstIdle
from proxy.lab.simulate.schemes.shared_queue import SharedQueue
from proxy.lab.simulate.work import Connection
from tests.lab.simulate.schemes.recorder import Recorder


def made(seen: Recorder, *, is_accept: bool) -> SharedQueue:
    return SharedQueue(seen.workers, Random(1), seen.start, idle=FirstIdle, is_accept=is_accept)


def test_whoever_is_free_takes_the_oldest() -> None:
    seen = Recorder(2)
    scheme = made(seen, is_accept=False)
    jobs = [seen.job() for _ in range(4)]
    for job in jobs:
        scheme.arrive(job)
    assert seen.started == [(0, 0), (1, 1)]
    seen.workers[1].free += 1
    scheme.finish(seen.workers[1], jobs[1])
    assert seen.started[2:] == [(1, 2)]


def test_a_worker_with_more_slots_is_idle_until_all_are_taken() -> None:
    seen = Recorder(2, slots=2)
    scheme = made(seen, is_accept=False)
    for _ in range(5):
        scheme.arrive(seen.job())
    assert seen.started == [(0, 0), (0, 1), (1, 2), (1, 3)]


def test_an_accepted_connection_waits_for_its_worker_beside_idle_ones() -> None:
    seen = Recorder(2)
    scheme = made(seen, is_accept=True)
    connection = Connection()
    first, second, new = seen.job(connection), seen.job(connection), seen.job(Connection())
    scheme.arrive(first)
    scheme.arrive(second)
    assert seen.started == [(0, 0)]
    scheme.arrive(new)
    assert seen.started == [(0, 0), (1, 2)]
    seen.workers[0].free += 1
    scheme.finish(seen.workers[0], first)
    assert seen.started[2:] == [(0, 1)]
    assert [worker.connections for worker in seen.workers] == [1, 1]


def test_the_older_of_its_own_work_and_the_queue_goes_first() -> None:
    seen = Recorder(1)
    scheme = made(seen, is_accept=True)
    connection = Connection()
    first, new, second = seen.job(connection), seen.job(Connection()), seen.job(connection)
    for job in (first, new, second):
        scheme.arrive(job)
    for done in (first, new):
        seen.workers[0].free += 1
        scheme.finish(seen.workers[0], done)
    assert seen.started == [(0, 0), (0, 1), (0, 2)]


def test_a_request_binds_no_connection_where_jobs_are_pulled() -> None:
    seen = Recorder(2)
    scheme = made(seen, is_accept=False)
    connection = Connection()
    scheme.arrive(seen.job(connection))
    scheme.arrive(seen.job(connection))
    assert seen.started == [(0, 0), (1, 1)]
    assert connection.worker is None
