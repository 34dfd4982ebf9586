"""Workers as objects in one process: each with a reactor, a column and a pool, stepped by hand."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress
from proxy.core.config import Backend as BackendConfig
from proxy.core.config import Config, Pool
from proxy.core.pool import UNLIMITED
from proxy.engine.backend import LiveBackend
from proxy.engine.reactor import Reactor
from proxy.engine.scoreboard import BACKEND
from proxy.engine.shared.shared_pool import SharedPool
from proxy.engine.shared.sharing import Sharing
from proxy.serve.workers.slot_keeper import SlotKeeper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from proxy.core.workers.share import Share
    from proxy.engine.live_pool import LivePool


def pool_settings(*limits: int, balance: str = "least-connections", queue: int = 10, first_port: int = 9000) -> Pool:
    """limits: of its backends; 0 for none."""
    backends = tuple(
        BackendConfig(address=TcpAddress("127.0.0.1", first_port + number), max_connections=limit)
        for number, limit in enumerate(limits)
    )
    return Pool(name="app", backends=backends, balance=balance, queue=queue)


class Work:
    """Waits for a slot, and remembers which it got."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.got: LiveBackend | None = None

    def slot_freed(self, backend: LiveBackend) -> None:
        self.got = backend
        self.worker.held.append(backend)

    def crashed(self, error: Exception) -> None:
        raise error


class Worker:
    """number: of its column. held: slots it has, those of served work included. Its semaphores are its own copies."""

    def __init__(self, keeper: SlotKeeper, number: int, settings: Pool) -> None:
        self.keeper = keeper
        self.number = number
        self.held: list[LiveBackend] = []
        self.reactor = Reactor()
        self.sharing = Sharing(keeper.board, number, self.reactor)
        self.share: Share | None = None
        self.adopt()
        self.make_pool(settings)

    def make_pool(self, settings: Pool) -> None:
        backends = [live(backend) for backend in settings.backends]
        self.pool = SharedPool(settings, backends, Random(self.number), self.reactor, report, self.sharing)

    def adopt(self) -> None:
        """What the keeper has to share now, as it comes through a channel: with descriptors of our own."""
        self.share, semaphores = self.keeper.share(self.share)
        self.sharing.adopt(self.share, [os.dup(semaphore) for semaphore in semaphores])

    def take(self) -> LiveBackend:
        backend = self.pool.take()
        assert backend is not None
        self.held.append(backend)
        return backend

    def give_back(self, number: int = 0) -> None:
        self.pool.give_back(self.held.pop(number))

    def wait(self) -> Work:
        work = Work(self)
        assert self.pool.wait(work)
        return work

    def run(self) -> None:
        """Until nothing is left to do."""
        while self.reactor._run_batch():
            pass
        assert not self.reactor.crashes

    def look(self) -> None:
        """It is time to look what the others have."""
        self.sharing.look()

    def turn(self) -> None:
        """Some milliseconds pass."""
        if self.pool.waiting:
            self.pool.turn()
        self.run()

    def close(self) -> None:
        """As if killed: whatever it has is still counted in its column."""
        self.sharing.close()
        self.reactor.close_all()


def report(pool: LivePool, backend: LiveBackend, reason: str) -> None:
    """Nobody connects."""


def live(backend: BackendConfig) -> LiveBackend:
    return LiveBackend(backend.address, weight=backend.weight, limit=backend.max_connections or UNLIMITED)


@contextmanager
def keeping(settings: Pool, workers: int) -> Iterator[SlotKeeper]:
    keeper = SlotKeeper(workers)
    try:
        keeper.configure(Config(frontends={}, pools={"app": settings}))
        keeper.settle_all()
        yield keeper
    finally:
        keeper.close()


@contextmanager
def sharing(
    *limits: int, workers: int = 2, balance: str = "least-connections", queue: int = 10
) -> Iterator[list[Worker]]:
    """Workers that share a pool of backends with these limits, 0 for none."""
    settings = pool_settings(*limits, balance=balance, queue=queue)
    with keeping(settings, workers) as keeper:
        made = [Worker(keeper, number, settings) for number in range(1, workers + 1)]
        try:
            yield made
        finally:
            for worker in made:
                worker.close()


@contextmanager
def forked(work: Callable[[], object]) -> Iterator[int]:
    """A process that does this for ever, until the end of the block, where it is killed."""
    child = os.fork()
    if not child:
        try:
            while True:
                work()
        finally:
            os._exit(1)
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def free(keeper: SlotKeeper) -> list[int]:
    """Tokens that nobody has, of each limited backend."""
    return list(keeper.free().values())


def counted(keeper: SlotKeeper, row: int = 0) -> int:
    """Slots taken by all workers."""
    return keeper.board.total(BACKEND, "taken", row)
