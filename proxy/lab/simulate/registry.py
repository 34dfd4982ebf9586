"""The schemes by name, and where theory knows what they do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from proxy.core.balance.registry import POLICIES
from proxy.lab.simulate.idle import AnyIdle, FirstIdle, LongestIdle
from proxy.lab.simulate.schemes.proxied import Proxied
from proxy.lab.simulate.schemes.reuseport import Reuseport
from proxy.lab.simulate.schemes.shared_queue import SharedQueue
from proxy.lab.simulate.schemes.tuple_space import TupleSpace
from proxy.lab.simulate.service import Exponential
from proxy.lab.simulate.theory import mg1_wait, mmc_wait, two_choices_wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.lab.simulate.simulation import Make
    from proxy.lab.simulate.spec import SimulationSpec


def _nothing(spec: SimulationSpec) -> float | None:
    return None


@dataclass(frozen=True, slots=True)
class Way:
    """A scheme and what it stands for. pulls: its workers ask for each job, which takes `reserve`. wait: the mean wait
    by theory, of a spec with Poisson arrivals, new connections and load below 1; None where nobody knows."""

    name: str
    summary: str
    make: Callable[[SimulationSpec], Make]
    wait: Callable[[SimulationSpec], float | None] = _nothing
    pulls: bool = False

    def expected_wait(self, spec: SimulationSpec) -> float | None:
        """Seconds; None where theory has no exact answer."""
        if spec.arrivals != "poisson" or spec.connections or spec.offered >= 1 or (self.pulls and spec.reserve):
            return None
        return self.wait(spec)


def _one_queue(spec: SimulationSpec) -> float | None:
    if isinstance(spec.service, Exponential):
        return mmc_wait(spec.workers * spec.slots, spec.rate, spec.service.mean)
    return mg1_wait(spec.rate, spec.service.mean, spec.service.cv2) if spec.workers * spec.slots == 1 else None


def _queue_each(spec: SimulationSpec) -> float | None:
    """A Poisson stream split at random is Poisson streams."""
    if spec.slots == 1:
        return mg1_wait(spec.rate / spec.workers, spec.service.mean, spec.service.cv2)
    return (
        mmc_wait(spec.slots, spec.rate / spec.workers, spec.service.mean)
        if isinstance(spec.service, Exponential)
        else None
    )


def _of_pattern(spec: SimulationSpec) -> float | None:
    if spec.workers % spec.patterns or not isinstance(spec.service, Exponential):
        return None
    slots = spec.workers * spec.slots // spec.patterns
    return mmc_wait(slots, spec.rate / spec.patterns, spec.service.mean)


def _of_policy(balance: str, spec: SimulationSpec) -> float | None:
    """Limits make the pool's queue the one queue where they are the slots; elsewhere only without."""
    if spec.limit:
        return _one_queue(spec) if spec.limit == spec.slots and spec.proxies == 1 else None
    if balance == "random" or spec.workers == 1:
        return _queue_each(spec)
    is_known = balance == "two-choices" and isinstance(spec.service, Exponential) and spec.slots == spec.proxies == 1
    return two_choices_wait(spec.offered, spec.service.mean) if is_known and spec.workers >= MANY else None


MANY = 100  # workers from which on "very many" is within the noise of a simulation


def _proxied(balance: str) -> Way:
    return Way(
        f"proxy-{balance}",
        f"rproxy in front, {balance}",
        lambda spec: partial(Proxied, balance=balance, limit=spec.limit, proxies=spec.proxies),
        partial(_of_policy, balance),
    )


WAYS = {
    way.name: way
    for way in (
        Way("reuseport", "SO_REUSEPORT: a hash of each connection", lambda spec: Reuseport, _queue_each),
        Way(
            "shared-accept",
            "one listener, workers block in accept",
            lambda spec: partial(SharedQueue, idle=LongestIdle, is_accept=True),
            _one_queue,
        ),
        Way(
            "shared-epoll",
            "one listener in every worker's epoll",
            lambda spec: partial(SharedQueue, idle=AnyIdle, is_accept=True),
            _one_queue,
        ),
        Way(
            "epoll-exclusive",
            "the same with EPOLLEXCLUSIVE: the first idle one",
            lambda spec: partial(SharedQueue, idle=FirstIdle, is_accept=True),
            _one_queue,
        ),
        *(_proxied(balance) for balance in POLICIES),
        Way(
            "queue",
            "a queue server, workers pull",
            lambda spec: partial(SharedQueue, idle=LongestIdle, is_accept=False),
            _one_queue,
            pulls=True,
        ),
        Way(
            "tuplespace",
            "a tuple space, workers take what matches",
            lambda spec: partial(TupleSpace, patterns=spec.patterns),
            _of_pattern,
            pulls=True,
        ),
    )
}
