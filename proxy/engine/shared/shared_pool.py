"""A pool whose backends' slots are shared with other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.pool import UNLIMITED
from proxy.engine.live_pool import LivePool
from proxy.engine.shared.slot_watch import SlotWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from random import Random

    from proxy.core import config
    from proxy.core.pool import Waiter
    from proxy.engine.backend import LiveBackend
    from proxy.engine.observing import ObservingPool, Sight
    from proxy.engine.reactor import Reactor
    from proxy.engine.shared.sharing import Sharing

TOLERANCE = 1_000_000  # nanoseconds: who waits in another process goes first if it waits longer by more than that


class SharedPool(LivePool):
    """`taken` of its backends is ours and theirs, so that every policy sees all; `limit` holds for all together.

    Who waits: the oldest of all processes first, to within TOLERANCE. Everybody knows since when the others wait. A
    slot that is given back goes to the own queue if its turn has come, else to the semaphore, and that wakes the
    others. New work does not overtake: it queues while anybody waits, here or there.

    row: of the scoreboard. others_wait: work waits in another process, as of the last look.
    """

    def __init__(
        self,
        settings: config.Pool,
        backends: list[LiveBackend],
        rng: Random,
        reactor: Reactor,
        report: Callable[[ObservingPool, LiveBackend, Sight, str], None],
        sharing: Sharing,
    ) -> None:
        """`sharing` has adopted a share with this pool and its backends; else KeyError."""
        self._sharing = sharing
        self._cells = sharing.taken
        self._reactor = reactor
        self._watch: SlotWatch[LiveBackend] = SlotWatch(reactor, self.on_slot)
        self.others_wait = False
        self._oldest_passed = 0
        self._stalled: set[int] = set()  # since when those wait who let their turn pass
        self.name = settings.name
        self.row = sharing.enter_pool(self)
        for backend in backends:
            self._enter(backend)
        super().__init__(settings, backends, rng, reactor, report)

    def close(self) -> None:
        """All of its work has ended."""
        for backend in self.backends:
            self._leave(backend)
        self._sharing.leave_pool(self)
        self._watch.close()

    def _enter(self, backend: LiveBackend) -> None:
        """Before it is ready."""
        self._sharing.enter(self, backend)
        if backend.semaphore >= 0:
            self._watch.add(backend.semaphore, backend)

    def _leave(self, backend: LiveBackend) -> None:
        if backend.semaphore >= 0:
            self._watch.remove(backend.semaphore)
        self._sharing.leave(backend)

    # ------------------------------------------------------------------ take, give back

    # Flat for speed: take and give back cost 0.15 us more than in `Pool`. With a limit it is 1.9 us, most of it two
    # system calls.

    def take(self) -> LiveBackend | None:
        if not self._ready or self.others_wait or self._waiting:
            return None
        only = self._only
        backend: LiveBackend = only or self._policy.pick(None, self._rng)  # type: ignore[assignment]
        if backend.semaphore >= 0:
            return self._take_any(backend, is_our_turn=True)
        self._cells[backend.row] += 1
        backend.taken += 1
        backend.picked += 1
        if only is None:
            self._policy.moved(backend)
        return backend

    def _take_any(self, picked: LiveBackend | None, *, is_our_turn: bool) -> LiveBackend | None:
        """As `Pool.take`. A limited backend whose semaphore says that it is full is full from then on, and the policy
        picks another."""
        while self._ready:
            backend: LiveBackend = picked or self._only or self._policy.pick(None, self._rng)  # type: ignore[assignment]
            picked = None
            if backend.semaphore < 0:
                self._cells[backend.row] += 1
            elif not is_our_turn:
                return None
            elif not self._sharing.claim(backend):
                self._is_full_after_all(backend)
                if self._only is backend:
                    return None
                continue
            backend.taken += 1
            backend.picked += 1
            if self._only is None:
                self._policy.moved(backend)
            if backend.taken >= backend.limit:
                self._update(backend)
            return backend
        return None

    def give_back(self, backend: LiveBackend) -> None:
        if backend.semaphore < 0:
            self._cells[backend.row] -= 1
        elif self._waiting and self._hand_over(backend):
            return
        else:
            self._sharing.release(backend)
        backend.taken -= 1
        if self._only is None:
            self._policy.moved(backend)
        if not backend.is_ready:
            self._update(backend)
            if self._waiting:
                self._serve_waiting()

    def _hand_over(self, backend: LiveBackend) -> bool:
        """The slot stays ours and goes to the work that has waited longest, if it is our turn."""
        if not backend.is_healthy or backend.is_draining or backend.taken > backend.limit or not self._is_our_turn():
            return False
        backend.picked += 1
        self._serve(backend)
        self._tell_waiting()
        return True

    # ------------------------------------------------------------------ who waits

    @property
    def is_full(self) -> bool:
        is_full = not self._ready or self.others_wait or bool(self._waiting)
        return is_full and any(b.is_worth_a_wait for b in self.backends)

    def is_full_but_for(self, tried: Collection[LiveBackend]) -> bool:
        if not self.others_wait and not self._waiting:
            return super().is_full_but_for(tried)
        return any(b.is_worth_a_wait for b in self.backends if b not in tried)

    def wait(self, waiter: Waiter[LiveBackend]) -> bool:
        """The bound of the queue is for all processes together."""
        if len(self._waiting) + self._sharing.others_waiting(self.row) >= self.queue_limit:
            return False
        self._waiting[waiter] = self._reactor.now
        self._tell_waiting()
        self._watch.start()
        return True

    def stop_waiting(self, waiter: Waiter[LiveBackend]) -> None:
        if waiter in self._waiting:
            super().stop_waiting(waiter)
            self._tell_waiting()

    def _tell_waiting(self) -> None:
        waiting = self._waiting
        since = next(iter(waiting.values())) if waiting else 0.0
        self._sharing.tell_waiting(self, self.row, len(waiting), since)
        if not waiting:
            self._watch.stop()

    def _is_our_turn(self) -> bool:
        ours = next(iter(self._waiting.values())) * 1e9 - TOLERANCE
        return not any(
            since and since < ours and since not in self._stalled for since in self._sharing.others_since(self.row)
        )

    def _serve_waiting(self) -> None:
        if not self._waiting:
            return
        while self._waiting:
            backend = self._take_any(None, is_our_turn=self._is_our_turn())
            if backend is None:
                break
            self._serve(backend)
        self._tell_waiting()

    def _serve(self, backend: LiveBackend) -> None:
        waiter, _ = self._waiting.popitem(last=False)
        self._run_later(waiter.slot_freed, backend)

    # ------------------------------------------------------------------ what others do

    def on_slot(self, mask: int) -> None:
        """There are slots, or were."""
        self._see_free()
        self._serve_waiting()

    def turn(self) -> None:
        """Work has been waiting for some milliseconds. If there have been slots for two turns, and those whose turn it
        was did not come, they are passed over until they move: a process that is stopped must not stop the rest."""
        has_free = self._see_free()
        others = set(self._sharing.others_since(self.row)) - {0}
        self._stalled &= others
        oldest = min(others - self._stalled, default=0)
        if has_free and oldest and oldest == self._oldest_passed:
            self._stalled.add(oldest)
        self._oldest_passed = oldest if has_free else 0
        self._serve_waiting()

    def _see_free(self) -> bool:
        """Whether there are slots to be had. A semaphore is right at once, when our view of the others is old."""
        free = [backend for backend in self._watch.free() if backend.is_healthy and not backend.is_draining]
        for backend in free:
            own = backend.taken - backend.others
            others = min(self._sharing.taken_by_others(backend), max(0, backend.limit - 1 - own))
            self.see_others(backend, others)
            self._sharing.doubt(self, backend)
        return bool(free)

    def _is_full_after_all(self, backend: LiveBackend) -> None:
        self.see_others(backend, backend.limit - (backend.taken - backend.others))
        self._sharing.doubt(self, backend)

    def see_others(self, backend: LiveBackend, others: int) -> None:
        """Others have so many of its slots."""
        backend.taken += others - backend.others
        backend.others = others
        if self._only is None:
            self._policy.moved(backend)
        self._update(backend)

    # ------------------------------------------------------------------ changes of the configuration

    def add(self, backend: LiveBackend) -> None:
        self._enter(backend)
        super().add(backend)

    def remove(self, backend: LiveBackend) -> None:
        super().remove(backend)
        self._leave(backend)

    def set_limit(self, backend: LiveBackend, limit: int) -> None:
        """Where there was no limit, slots taken before are counted already, and the semaphore gets so much less."""
        if not self._sharing.has(backend):
            backend.limit = limit  # it was removed, and returns with `add`
            return
        had_semaphore, has_semaphore = backend.semaphore >= 0, limit != UNLIMITED
        if had_semaphore is not has_semaphore:
            self._leave(backend)
            self._enter(backend)
        super().set_limit(backend, limit)

    def crashed(self, error: Exception) -> None:
        """The next slot, or the next turn, may do better."""
