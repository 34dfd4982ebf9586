"""Round-robin: everybody in turn, a weight of 5 five times per cycle, and never in a clump."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from proxy.core.balance import Slots

SPAN = 1 << 32  # one cycle of virtual time; an integer, so nothing drifts. Any value is exact; a large one is smooth


class _Place:
    """A backend's place in the rotation of its group. It outlives `remove` until its turn has passed."""

    __slots__ = ("backend", "group", "ready")

    def __init__(self, backend: Slots, group: _Group) -> None:
        self.backend = backend
        self.group = group
        self.ready = False


class _Group:
    """The backends of one weight. They are equals, so among themselves a plain rotation is fair.

    deadline: the virtual time of the next pick, origin + elapsed // rate; each pick adds SPAN to elapsed.
    So `rate` picks advance it by exactly SPAN, whatever the rounding between them.
    """

    __slots__ = ("deadline", "elapsed", "origin", "places", "rate", "ready", "weight")

    def __init__(self, weight: int, now: int) -> None:
        self.weight = weight
        self.places: deque[_Place] = deque()
        self.ready = 0
        self.set_rate(1, now, SPAN // 2)

    def set_rate(self, rate: int, now: int, wait: int) -> None:
        """`rate` picks per cycle from here on, the first one after `wait`."""
        self.rate = rate
        self.elapsed = SPAN // 2
        self.deadline = now + wait
        self.origin = self.deadline - self.elapsed // rate


class RoundRobin:
    """Smooth weighted round-robin: of any W picks in a row, W the sum of weights, each backend gets exactly its weight.

    Backends of one weight form a group and take turns in it, in the order added. A group is picked `weight * ready`
    times per cycle, at equal distances of virtual time and starting with half of one; the group whose deadline is the
    earliest is next. Weights 5, 1, 1 give `a b a a a c a`: at most 3 in a row, over the seam too, and no order has
    fewer, because b and c cut the five into two runs. (nginx's smooth order `a a b a c a a` has 4 over the seam.)
    After any number of picks a group is off its share of them by at most (1 + number of groups * its share) / 2.

    A backend that is removed keeps its place until its turn comes; then the place is dropped. So one that flickers
    between full and ready neither jumps the queue nor loses its turn, and one that returns late enters at the back:
    no burst makes up for its absence. Memory: one place per backend that was ready within the last cycle.

    A pick is O(1) when all weights are equal, else O(log g) comparisons for g different weights, and two memmoves of
    at most 8 g bytes (a sorted list: no stale entries, and 0.4 us for both at g = 1,000). add and remove are the same,
    amortised; a change of weight is O(n), because `deque.remove` searches.
    On one core: about 0.14 us per pick for 1, 4 or 1,000 equal weights, 0.4 us for 4 different ones, 0.8 us for 1,000.

    Sources: deadlines at half steps are Sainte-Lague's apportionment (1910), in scheduling "stride" (Waldspurger and
    Weihl, 1995); groups of like weights are Group Ratio Round-Robin (Caprita, Nieh et al., USENIX 2005).
    """

    def __init__(self) -> None:
        self._now = 0
        self._places: dict[Slots, _Place] = {}
        self._groups: dict[int, _Group] = {}
        self._schedule: list[tuple[int, int, _Group]] = []  # sorted: deadline, the heavier first, its group

    def add(self, backend: Slots) -> None:
        place = self._places.get(backend)
        if place is None:
            place = self._places[backend] = _Place(backend, self._group(backend.weight))
            place.group.places.append(place)
        place.ready = True
        place.group.ready += 1
        self._adjust(place.group)

    def remove(self, backend: Slots) -> None:
        place = self._places[backend]
        place.ready = False
        place.group.ready -= 1
        self._adjust(place.group)

    def pick(self, key: bytes | None, rng: Random) -> Slots:
        schedule = self._schedule
        group = schedule[0][2]
        if len(schedule) > 1:  # alone, a group needs no clock
            while not group.ready:
                self._drop(group)
                group = schedule[0][2]
            self._advance(group)
        places = group.places
        while not (place := places[0]).ready:
            del self._places[place.backend]  # its turn passed while it was away
            places.popleft()
        places.rotate(-1)
        return place.backend

    def moved(self, backend: Slots) -> None:
        place = self._places.get(backend)
        if place is None or place.group.weight == backend.weight:
            return
        if was_ready := place.ready:
            self.remove(backend)
        place.group.places.remove(place)
        del self._places[backend]
        if was_ready:
            self.add(backend)

    def _group(self, weight: int) -> _Group:
        group = self._groups.get(weight)
        if group is None:
            group = self._groups[weight] = _Group(weight, self._now)
            insort(self._schedule, (group.deadline, -weight, group))
        return group

    def _adjust(self, group: _Group) -> None:
        """The group's members came or went: what is left of its wait shrinks or grows in proportion."""
        if not group.ready:  # an empty group keeps its deadline, in case somebody comes back before it
            return
        rate = group.weight * group.ready
        schedule = self._schedule
        del schedule[bisect_left(schedule, (group.deadline, -group.weight, group))]
        group.set_rate(rate, self._now, (group.deadline - self._now) * group.rate // rate)
        insort(schedule, (group.deadline, -group.weight, group))

    def _advance(self, group: _Group) -> None:
        """The first group's turn: virtual time moves to its deadline, and its next one is a step later."""
        self._now = group.deadline
        group.elapsed += SPAN
        group.deadline = group.origin + group.elapsed // group.rate
        del self._schedule[0]
        insort(self._schedule, (group.deadline, -group.weight, group))

    def _drop(self, group: _Group) -> None:
        """The first group's turn came and nobody in it is ready."""
        del self._schedule[0]
        del self._groups[group.weight]
        for place in group.places:
            del self._places[place.backend]
