"""A pool takes on other settings and backends while it serves: what did not change of it is not touched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from proxy.core.http.head_cache import HeadCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core import config
    from proxy.engine.backend import LiveBackend
    from proxy.engine.live_pool import LivePool


def change_pool(pool: LivePool, settings: config.Pool, fresh: Sequence[LiveBackend], now: float) -> None:
    """fresh: made from `settings` (make_backends); only those that the pool has not yet are taken.

    Who is not named any more takes no new work, and is listed as `leaving` until its last slot is back; named again by
    then, it comes back as it is. Of another TLS or PROXY header all backends are new, since connections to them begin
    otherwise. Weights are for the controller to tell. Routes that lead here have to be made anew if `retry_on` changed:
    heads that are known by their bytes know whether they are answers.
    """
    before = pool.config
    pool.configure(settings)
    if settings.balance != before.balance:
        pool.set_balance(settings.balance)
    if settings.retry_on != before.retry_on:
        pool.heads = HeadCache()
    known = {backend.name: backend for backend, left in pool.leaving.items() if _begin_alike(left, settings)}
    if _begin_alike(before, settings):
        known |= {backend.name: backend for backend in pool.backends}
    kept = [known.get(backend.name, backend) for backend in fresh]
    there, stay = set(pool.backends), set(kept)
    for backend in there - stay:
        _let_leave(pool, backend, before, now)
    for backend, new in zip(kept, fresh, strict=True):
        _adjust(pool, backend, new)
        if backend not in there:
            pool.add(backend)
        if pool.leaving.pop(backend, None):  # ready only now: a pool of one picks that one whenever something is ready
            pool.set_draining(backend, False)
    pool.backends[:] = kept  # the order of the file


def _adjust(pool: LivePool, backend: LiveBackend, new: LiveBackend) -> None:
    backend.idle_limit = new.idle_limit
    backend.spread = new.spread
    if backend.limit != new.limit:
        pool.set_limit(backend, new.limit)


def _begin_alike(one: config.Pool, other: config.Pool) -> bool:
    """Whether connections to their backends begin alike."""
    return (one.tls, one.proxy_protocol) == (other.tls, other.proxy_protocol)


def _let_leave(pool: LivePool, backend: LiveBackend, before: config.Pool, now: float) -> None:
    pool.remove(backend)
    pool.drains[backend] = now  # anew for one that drained already
    pool.leaving[backend] = before
    backend.idle_limit = 0  # what runs does not keep its connection
    backend.expire(math.inf)
