from __future__ import annotations

from random import Random

from proxy.lab.simulate.schemes.proxied import Proxied
from tests.lab.simulate.schemes.recorder import Recorder


def test_work_goes_to_the_least_busy_and_waits_there() -> None:
    seen = Recorder(2)
    scheme = Proxied(seen.workers, Random(1), seen.start, balance="least-connections")
    jobs = [seen.job() for _ in range(4)]
    for job in jobs:
        scheme.arrive(job)
    assert seen.started == [(0, 0), (1, 1)]
    assert [len(worker.queue) for worker in seen.workers] == [1, 1]
    seen.workers[1].free += 1
    scheme.finish(seen.workers[1], jobs[1])
    assert seen.started[2:] == [(1, 3)]


def test_with_a_limit_work_waits_in_the_pool_and_goes_to_whoever_is_free() -> None:
    seen = Recorder(2)
    scheme = Proxied(seen.workers, Random(1), seen.start, balance="round-robin", limit=1)
    jobs = [seen.job() for _ in range(4)]
    for job in jobs:
        scheme.arrive(job)
    for done in (1, 2):
        seen.workers[1].free += 1
        scheme.finish(seen.workers[1], jobs[done])
    assert seen.started == [(0, 0), (1, 1), (1, 2), (1, 3)]


def test_each_proxy_has_its_own_counts() -> None:
    seen = Recorder(2, slots=1000)
    scheme = Proxied(seen.workers, Random(1), seen.start, balance="round-robin", proxies=3)
    jobs = [seen.job() for _ in range(60)]
    for job in jobs:
        scheme.arrive(job)
    assert {job.proxy for job in jobs} == {0, 1, 2}
    for proxy in range(3):
        workers = [worker for (worker, number) in seen.started if jobs[number].proxy == proxy]
        assert abs(workers.count(0) - workers.count(1)) <= 1
