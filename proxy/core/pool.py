"""A pool decides which backend takes the next piece of work, and counts what each one has. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from proxy.core.balance.registry import make_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from random import Random

    from proxy.core.address import Address
    from proxy.core.balance import Policy

UNLIMITED = 1 << 62


class Backend:
    """One backend's live state. It outlives connections, and a reload that keeps the backend.

    taken: slots in use. weight: 1 or more. limit: slots there are. is_healthy: by health checks and connects.
    is_draining: takes no new work; is_returning: it drains and will be back in a moment, so that work may wait for it.
    is_ready: healthy, not full, not draining, so known to the policy.

    others: of `taken`, what other processes have, with whom slots are shared. row, semaphore: where these are counted,
    see engine/shared/; -1 for nowhere.
    """

    __slots__ = ("address", "is_draining", "is_healthy", "is_ready", "is_returning", "limit", "name", "others",
                 "picked", "row", "semaphore", "taken", "weight")  # fmt: skip

    def __init__(self, address: Address, *, weight: int = 1, limit: int = UNLIMITED) -> None:
        self.address = address
        self.name = str(address)
        self.weight = weight
        self.limit = limit
        self.taken = 0
        self.others = 0
        self.row = self.semaphore = -1
        self.picked = 0
        self.is_healthy = True
        self.is_draining = False
        self.is_returning = False
        self.is_ready = False

    @property
    def is_worth_a_wait(self) -> bool:
        """Whether it will take work again, sooner or later, that it does not take now."""
        return self.is_healthy and (self.is_returning or not self.is_draining)

    def __repr__(self) -> str:
        state = "ready" if self.is_ready else "full" if self.taken >= self.limit else "not ready"
        return f"<Backend {self.name} {state}, {self.taken} taken>"


B = TypeVar("B", bound=Backend)
B_contra = TypeVar("B_contra", bound=Backend, contravariant=True)


class Waiter(Protocol[B_contra]):
    """Work that waits for a slot."""

    def slot_freed(self, backend: B_contra, /) -> None:
        """A slot of `backend` was taken for this work. Called later, never from within `give_back`."""


class Pool(Generic[B]):
    """Backends under one policy, and the bounded queue of work that found all of them full.

    balance: a name of `balance.registry`. queue: how much may wait. run_later: calls a function soon, outside the
    current one, so that one session's end never runs inside another's.
    """

    def __init__(
        self,
        name: str,
        balance: str,
        backends: Iterable[B],
        rng: Random,
        *,
        queue: int = 1024,
        run_later: Callable[[Callable[[B], None], B], None],
    ) -> None:
        self.name = name
        self.backends = list(backends)
        self._policy: Policy = make_policy(balance)
        # One backend needs no choice: 0.3 us less of some 18 that an exchange costs.
        self._only = self.backends[0] if len(self.backends) == 1 else None
        self._rng = rng
        self.queue_limit = queue
        # Since when it waits, for those who ask. (A plain dict's first key is O(keys removed before it).)
        self._waiting: OrderedDict[Waiter[B], float] = OrderedDict()
        self._run_later = run_later
        self._ready = 0
        for backend in self.backends:
            self._update(backend)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Nothing is ready, and work in a healthy backend will end and make one ready, or one is back soon."""
        return not self._ready and any(b.is_worth_a_wait for b in self.backends)

    def is_full_but_for(self, tried: Collection[B]) -> bool:
        """Whether work ends, sooner or later, in a healthy backend that is full and not one of `tried`."""
        others = (b for b in self.backends if b not in tried)
        return any(b.is_worth_a_wait and not b.is_ready for b in others)

    def take(self) -> B | None:
        """Takes a slot of a ready backend; None when there is none. Give it back once."""
        if not self._ready:
            return None
        only = self._only
        backend: B = only or self._policy.pick(None, self._rng)  # type: ignore[assignment] # only backends were added
        backend.taken += 1
        backend.picked += 1
        if only is None:
            self._policy.moved(backend)
        if backend.taken >= backend.limit:
            self._update(backend)
        return backend

    def take_another(self, tried: Iterable[B]) -> B | None:
        """As `take`, but none of `tried`. A retry is rare: those leave the policy meanwhile. O(len(tried) log n)."""
        hidden = [backend for backend in tried if backend.is_ready]
        for backend in hidden:
            self._policy.remove(backend)
        self._ready -= len(hidden)
        taken = self.take()
        for other in hidden:
            self._policy.add(other)
        self._ready += len(hidden)
        return taken

    def prefer_untried(self, backend: B, tried: Collection[B]) -> B:
        """The backend whose slot we have, or another whose slot we have in its place because it was not tried yet."""
        other = self.take_another(tried) if backend in tried else None
        if other is None:
            return backend
        self.give_back(backend)
        return other

    def give_back(self, backend: B) -> None:
        """Frees a slot that `take` took, and hands it to the work that has waited longest."""
        backend.taken -= 1
        if self._only is None:
            self._policy.moved(backend)
        if not backend.is_ready:
            self._update(backend)
            if self._waiting:
                self._serve_waiting()

    def wait(self, waiter: Waiter[B]) -> bool:
        """Puts `waiter` in the queue; False if the queue is full."""
        if len(self._waiting) >= self.queue_limit:
            return False
        self._waiting[waiter] = 0.0
        return True

    def stop_waiting(self, waiter: Waiter[B]) -> None:
        """Takes `waiter` out of the queue, if it is still in it."""
        self._waiting.pop(waiter, None)

    def set_healthy(self, backend: B, is_healthy: bool) -> bool:
        """Whether that was a change."""
        if backend.is_healthy is is_healthy:
            return False
        backend.is_healthy = is_healthy
        self._update(backend)
        self._serve_waiting()
        return True

    def set_draining(self, backend: B, is_draining: bool) -> bool:
        """Whether that was a change. A draining backend takes no new work and keeps what it has."""
        if backend.is_draining is is_draining:
            return False
        backend.is_draining = is_draining
        self._update(backend)
        self._serve_waiting()
        return True

    def set_weight(self, backend: B, weight: int) -> None:
        """weight: 1 or more; counts from the next pick on."""
        if backend.weight != weight:
            backend.weight = weight
            self._policy.moved(backend)

    def set_limit(self, backend: B, limit: int) -> None:
        """limit: slots there are. Whoever holds one above it keeps it."""
        backend.limit = limit
        self._update(backend)
        self._serve_waiting()

    def set_balance(self, balance: str) -> None:
        """Another policy, which begins anew. Raises ValueError for an unknown name."""
        policy = make_policy(balance)
        for backend in self.backends:
            if backend.is_ready:
                policy.add(backend)
        self._policy = policy

    def add(self, backend: B) -> None:
        """One more, without a slot taken in another pool. Work that waits may go to it at once."""
        self.backends.append(backend)
        self._look_for_only()
        self._update(backend)
        self._serve_waiting()

    def remove(self, backend: B) -> None:
        """Takes no new work from here on; what it has is given back as ever."""
        self.set_draining(backend, True)
        self.backends.remove(backend)
        self._look_for_only()

    def _look_for_only(self) -> None:
        was_only, self._only = self._only, self.backends[0] if len(self.backends) == 1 else None
        if was_only is not None:
            self._policy.moved(was_only)  # it was told of nothing while there was no choice

    def _update(self, backend: B) -> None:
        """Tells the policy when a backend became ready or ceased to be."""
        is_ready = backend.is_healthy and not backend.is_draining and backend.taken < backend.limit
        if is_ready is backend.is_ready:
            return
        backend.is_ready = is_ready
        if is_ready:
            self._ready += 1
            self._policy.add(backend)
        else:
            self._ready -= 1
            self._policy.remove(backend)

    def _serve_waiting(self) -> None:
        while self._waiting and self._ready:
            waiter, _ = self._waiting.popitem(last=False)
            backend = self.take()
            assert backend is not None
            self._run_later(waiter.slot_freed, backend)
