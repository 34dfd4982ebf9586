"""What the tests of all policies share: a backend, and ways to count operations instead of measuring time."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from proxy.core.balance import Policy

AnyPolicy = TypeVar("AnyPolicy", bound="Policy")


@dataclass(eq=False, slots=True)
class Backend:
    name: str
    weight: int = 1
    taken: int = 0

    def __repr__(self) -> str:
        return f"{self.name}:{self.taken}/{self.weight}"


def backends_of(*weights: int) -> list[Backend]:
    """a, b, c, …"""
    return [Backend(chr(ord("a") + i), weight) for i, weight in enumerate(weights)]


def filled(policy: AnyPolicy, backends: list[Backend]) -> AnyPolicy:
    for backend in backends:
        policy.add(backend)
    return policy


def picks(policy: Policy, count: int, seed: int = 0) -> list[Backend]:
    rng = Random(seed)
    return [policy.pick(None, rng) for _ in range(count)]  # type: ignore[misc]


class Counted(float):
    """A number that counts how often numbers made from it are compared: heapq and bisect do it in C, unseen."""

    comparisons: ClassVar[int] = 0
    __hash__ = float.__hash__


def _counting(name: str) -> None:
    plain = getattr(float, name)

    def compare(self: Counted, other: object) -> Any:
        Counted.comparisons += 1
        return plain(self, other)

    setattr(Counted, name, compare)


def _closed(name: str) -> None:
    plain = getattr(float, name)
    setattr(Counted, name, lambda *args: Counted(plain(*args)))


for _name in ("__lt__", "__le__", "__gt__", "__ge__", "__eq__"):
    _counting(_name)
for _name in ("add", "sub", "mul", "truediv", "floordiv"):
    _closed(f"__{_name}__")
    _closed(f"__r{_name}__")
_closed("__neg__")


def chi_square(counts: list[int], weights: list[int]) -> float:
    """Pearson's statistic of `counts` against shares proportional to `weights`."""
    expected = [sum(counts) * weight / sum(weights) for weight in weights]
    return sum((count - mean) ** 2 / mean for count, mean in zip(counts, expected, strict=True))
