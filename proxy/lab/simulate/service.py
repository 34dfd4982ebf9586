"""How long a worker needs for a request: distributions, as text like `exponential:10ms` names them."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log, sqrt
from typing import TYPE_CHECKING, Protocol

from proxy.core.config.sections.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

AT_ONCE = 1024  # draws of `choices`: 0.2 us each where one by one they cost 0.9


class Service(Protocol):
    """mean: in seconds. cv2: the variance over the square of the mean; infinite for the heaviest tails."""

    @property
    def mean(self) -> float: ...

    @property
    def cv2(self) -> float: ...

    def draws(self, rng: Random) -> Iterator[float]:
        """Seconds, without end."""


@dataclass(frozen=True, slots=True)
class Constant:
    mean: float
    cv2: float = 0.0

    def draws(self, rng: Random) -> Iterator[float]:
        while True:
            yield self.mean


@dataclass(frozen=True, slots=True)
class Exponential:
    mean: float
    cv2: float = 1.0

    def draws(self, rng: Random) -> Iterator[float]:
        rate = 1 / self.mean
        while True:
            yield rng.expovariate(rate)


@dataclass(frozen=True, slots=True)
class OneSlow:
    """`share` of the requests takes `slow` seconds, the others `fast`."""

    fast: float
    slow: float
    share: float

    @property
    def mean(self) -> float:
        return (1 - self.share) * self.fast + self.share * self.slow

    @property
    def cv2(self) -> float:
        square = (1 - self.share) * self.fast**2 + self.share * self.slow**2
        return square / self.mean**2 - 1

    def draws(self, rng: Random) -> Iterator[float]:
        fast, slow, share = self.fast, self.slow, self.share
        while True:
            yield slow if rng.random() < share else fast


@dataclass(frozen=True, slots=True)
class LogNormal:
    """cv: standard deviation over mean."""

    mean: float
    cv: float

    @property
    def cv2(self) -> float:
        return self.cv**2

    def draws(self, rng: Random) -> Iterator[float]:
        variance = log(1 + self.cv2)
        mu, sigma = log(self.mean) - variance / 2, sqrt(variance)
        while True:
            yield rng.lognormvariate(mu, sigma)


@dataclass(frozen=True, slots=True)
class Pareto:
    """alpha: over 1; of the tail, P(X > x) ~ x**-alpha. Up to 2 the variance is infinite, and no mean settles."""

    mean: float
    alpha: float

    @property
    def cv2(self) -> float:
        return 1 / (self.alpha * (self.alpha - 2)) if self.alpha > 2 else float("inf")

    def draws(self, rng: Random) -> Iterator[float]:
        alpha = self.alpha
        least = self.mean * (alpha - 1) / alpha
        while True:
            yield least * rng.paretovariate(alpha)


@dataclass(frozen=True, slots=True)
class Mixed:
    """Some of several service times, by weight: what the paths of a `LoadSpec` are."""

    parts: tuple[tuple[float, float], ...]  # weight, seconds

    @property
    def mean(self) -> float:
        return self._moment(1)

    @property
    def cv2(self) -> float:
        return self._moment(2) / self._moment(1) ** 2 - 1

    def draws(self, rng: Random) -> Iterator[float]:
        weights, seconds = zip(*self.parts, strict=True)
        while True:
            yield from rng.choices(seconds, weights, k=AT_ONCE)

    def _moment(self, power: int) -> float:
        return sum(weight * seconds**power for weight, seconds in self.parts) / sum(weight for weight, _ in self.parts)


EXAMPLES = {
    "constant": "constant:10ms",
    "exponential": "exponential:10ms",
    "slow": "slow:5ms,200ms,1%",
    "lognormal": "lognormal:10ms,2",
    "pareto": "pareto:10ms,2.2",
}


def parse_service(text: str) -> Service:
    """Raises ValueError, naming the fault and an example."""
    name, _, rest = text.partition(":")
    if name not in _PARSERS:
        raise ValueError(f"{text!r} is no service time: write one like {', '.join(EXAMPLES.values())}")
    values = rest.split(",") if rest else []
    if len(values) != EXAMPLES[name].count(",") + 1:
        raise ValueError(f"{text!r} has too many or too few values: write it like {EXAMPLES[name]}")
    return _PARSERS[name](values)


def _one_slow(values: list[str]) -> Service:
    return OneSlow(parse_duration(values[0]), parse_duration(values[1]), _share(values[2]))


def _share(text: str) -> float:
    share = _number(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 < share < 1:
        raise ValueError(f"{text!r} is no share: write one like 1%")
    return share


def _number(text: str, over: float = 0.0) -> float:
    try:
        value = float(text)
    except ValueError:
        value = over
    if not (value > over and isfinite(value)):
        raise ValueError(f"{text!r} is no number over {over:g}")
    return value


_PARSERS: dict[str, Callable[[list[str]], Service]] = {
    "constant": lambda values: Constant(parse_duration(values[0])),
    "exponential": lambda values: Exponential(parse_duration(values[0])),
    "slow": _one_slow,
    "lognormal": lambda values: LogNormal(parse_duration(values[0]), _number(values[1])),
    "pareto": lambda values: Pareto(parse_duration(values[0]), _number(values[1], 1.0)),
}
