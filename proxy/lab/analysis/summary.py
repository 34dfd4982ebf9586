"""All results of a comparison by what was deployed, each figure with how sure it is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from proxy.lab.analysis.bootstrap import Estimate, estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.results import Comparison, ScenarioResult


# What a generator that was late or busy makes look worse than it is. Who had the work, what failed, and what memory it
# took are the same whenever requests came.
TIMED = frozenset(("requests_per_second", "p50", "p90", "p99", "p999", "max", "fast_p99"))


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """One variant of a model, and what was changed in the kernel for it: (name, value) pairs, mostly none."""

    model: str
    variant: str
    settings: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        name = f"{self.model} ({self.variant})" if self.variant else self.model
        changed = ", ".join(f"{key}={value}" for key, value in self.settings)
        return f"{name} with {changed}" if changed else name


def way_of(result: ScenarioResult) -> Way:
    return Way(result.model, result.variant, tuple(sorted(result.settings.items())))


class Summary:
    """Of the results with figures. A result whose load was not valid, because the generator was itself the bottleneck,
    gives none of those that it made the times of: `results` still has them."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self._results: dict[tuple[Way, str], list[ScenarioResult]] = defaultdict(list)
        for result in comparison.results:
            self._results[way_of(result), result.scenario].append(result)
        order = {(one.model, one.variant): number for number, one in enumerate(comparison.available)}
        found = {way for way, _ in self._results}
        self.all_ways = sorted(found, key=lambda way: (order.get((way.model, way.variant), len(order)), way))

    @property
    def ways(self) -> list[Way]:
        """As listed; those with the kernel as it was found."""
        return [way for way in self.all_ways if not way.settings]

    def results(self, way: Way, scenario: str) -> Sequence[ScenarioResult]:
        """By repetition."""
        return sorted(self._results.get((way, scenario), ()), key=lambda result: result.repetition)

    def estimate(self, way: Way, scenario: str, figure: str) -> Estimate | None:
        """None where it was not measured."""
        values = [
            result.figures[figure]
            for result in self.results(way, scenario)
            if figure in result.figures and counts(result, figure) and not isnan(result.figures[figure])
        ]
        return estimate(values) if values else None

    def cannot(self, way: Way, scenario: str) -> str:
        """Why it was not measured, as the model has it; empty where it was, or was not to be."""
        return next((result.cannot for result in self.results(way, scenario) if result.cannot), "")

    def failed(self, way: Way) -> str:
        """Why nothing at all was measured of it, though it was to be; else empty."""
        results = [result for (one, _), found in self._results.items() if one == way for result in found]
        if any(result.figures for result in results):
            return ""
        return next((result.cannot for result in results if result.cannot), "")

    def invalid(self, way: Way, scenario: str) -> str:
        """Why none of its loads was valid; empty when one was, or when there was none."""
        results = self.results(way, scenario)
        if not results or any(is_valid(result) for result in results):
            return ""
        return next(result.load.why_invalid for result in results if result.load is not None)

    def errors(self, way: Way, scenario: str) -> dict[str, int]:
        """By cause, of all repetitions."""
        total: dict[str, int] = defaultdict(int)
        for result in self.results(way, scenario):
            for cause, count in (result.load.errors if result.load else {}).items():
                total[cause] += count
        return dict(total)

    def scenarios(self) -> list[str]:
        """Those with results, in the order in which they first came."""
        return list(dict.fromkeys(result.scenario for result in self.comparison.results))


def counts(result: ScenarioResult, figure: str) -> bool:
    """Whether the figure is one of the target."""
    return figure not in TIMED or is_valid(result)


def is_valid(result: ScenarioResult) -> bool:
    return result.load is None or result.load.valid
