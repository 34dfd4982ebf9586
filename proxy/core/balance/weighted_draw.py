"""Draws a ready backend at random in proportion to weight: what `random` and `two-choices` have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.balance.fenwick import Fenwick

if TYPE_CHECKING:
    from random import Random

    from proxy.core.balance import Slots


class WeightedDraw:
    """The ready backends, in no particular order, and their weights in a Fenwick tree. Every call is O(log n).

    A draw is int(rng.random() * total): never `total` itself (random() <= 1 - 2**-53), its bias under total / 2**53,
    and in half the time of rng.randrange(total).
    """

    def __init__(self) -> None:
        self._backends: list[Slots] = []
        self._weights: list[int] = []
        self._index: dict[Slots, int] = {}
        self._tree = Fenwick()

    def add(self, backend: Slots) -> None:
        weight = backend.weight  # a copy: remove and moved must take out what was put in
        self._index[backend] = len(self._backends)
        self._backends.append(backend)
        self._weights.append(weight)
        self._tree.append(weight)

    def remove(self, backend: Slots) -> None:
        """The last backend fills the gap."""
        index = self._index.pop(backend)
        last, weight = self._backends.pop(), self._weights.pop()
        self._tree.pop()
        if last is not backend:
            self._index[last] = index
            self._backends[index] = last
            self._set_weight(index, weight)

    def moved(self, backend: Slots) -> None:
        index = self._index.get(backend)
        if index is not None and self._weights[index] != backend.weight:
            self._set_weight(index, backend.weight)

    def draw(self, rng: Random) -> Slots:
        tree = self._tree
        return self._backends[tree.find(int(rng.random() * tree.total))]

    def draw_two(self, rng: Random) -> tuple[Slots, Slots]:
        """Two different backends, the second drawn from all but the first; the same one twice if there is only one."""
        tree, backends = self._tree, self._backends
        first = tree.find(int(rng.random() * tree.total))
        if len(backends) == 1:
            return backends[first], backends[first]
        gap = self._weights[first]
        target = int(rng.random() * (tree.total - gap))
        if target >= tree.prefix(first):  # beyond the first one's stretch: step over it
            target += gap
        return backends[first], backends[tree.find(target)]

    def _set_weight(self, index: int, weight: int) -> None:
        self._tree.change(index, weight - self._weights[index])
        self._weights[index] = weight
