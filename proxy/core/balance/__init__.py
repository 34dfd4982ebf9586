"""Balancing policies: one small file each, all behind the same four calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from random import Random


class Slots(Protocol):
    """What a policy sees of a backend: how much it should get, and how much it has."""

    weight: int  # 1 or more; its share of the work relative to the others
    taken: int  # slots in use: active exchanges (HTTP) and connections (TCP)


class Policy(Protocol):
    """Chooses among the ready backends. Pure: no clock, no global random, no I/O.

    The pool tells it what changes (`add`, `remove`, `moved`), so that a pick need not look at every backend.
    Source of the shape: HAProxy's load-balancing files, one algorithm behind a few entry points.
    """

    def add(self, backend: Slots) -> None:
        """`backend` became ready. It is not in the policy yet."""

    def remove(self, backend: Slots) -> None:
        """`backend` is no longer ready (unhealthy, full or draining). It is in the policy."""

    def pick(self, key: bytes | None, rng: Random) -> Slots:
        """One of the backends added and not removed; at least one is. Changes no `taken`."""

    def moved(self, backend: Slots) -> None:
        """`backend.taken` went up or down, or its weight changed; it may or may not be ready."""
