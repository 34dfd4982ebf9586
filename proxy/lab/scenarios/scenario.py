"""What a scenario is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING, Any, Protocol

from proxy.lab.load.spec import LoadSpec
from proxy.lab.results import ScenarioResult

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.models.model import Kind

TIMEOUT = 2.0  # seconds until a request counts as hung; a load may last so much longer than it was meant to
PERIOD = 0.1  # seconds from burst to burst where faults are to meet requests under way
AMID = 0.005  # seconds after a burst has begun, when the first of it are served


@dataclass(frozen=True, slots=True)
class Plan:
    """How a scenario is to be run.

    model, variant, repetition: what its result is filed under. seconds: of measured load; warm_up: before. rate:
    requests per second of open loops; all models of a comparison get the same one in the same scenario. connections:
    of closed loops and of keep-alive clients. workers: that were asked for. paths: (weight, path), the mix of requests;
    empty for our sample application: then each scenario has its own. settings: what is changed in the kernel, already
    done.
    """

    model: str
    variant: str
    repetition: int = 0
    seconds: float = 5.0
    warm_up: float = 1.0
    rate: float = 200.0
    connections: int = 32
    workers: int = 2
    paths: tuple[tuple[float, str], ...] = ()
    seed: int = 1
    settings: dict[str, str] = field(default_factory=dict)

    def load(self, deployment: Deployment, **changes: Any) -> LoadSpec:
        """An open loop of keep-alive clients on it, with the fields of LoadSpec that a scenario has changed."""
        spec = LoadSpec(
            deployment.target, rate=self.rate, connections=self.connections, seconds=self.seconds,
            warm_up=self.warm_up, paths=self.paths or ((1.0, "/"),), timeout=TIMEOUT, seed=self.seed + self.repetition,
        )  # fmt: skip
        return replace(spec, **changes)

    def busy(self, seconds: float, share: float) -> Plan:
        """The same with requests that each keep a worker from everything else for so long, if it is for our sample
        application; so many that they take that share of the workers' time, and none of the processors'."""
        if self.paths:
            return self
        rate = min(self.rate, share * self.workers / seconds)
        return replace(self, rate=rate, paths=((1.0, f"/?block={seconds:g}"),))

    def bursts(self, deployment: Deployment, **changes: Any) -> LoadSpec:
        """A load that comes in a small burst ten times a second, on connections of its own and on kept ones."""
        burst = max(round(self.rate * PERIOD), 1)
        spec = self.load(deployment, arrivals="bursts", burst=burst, rate=burst / PERIOD, clients="mixed")
        return replace(spec, **changes)

    def amid(self, at: float) -> float:
        """The first moment from `at` on, in seconds of the measured time, that is in the midst of such a burst: what
        happens then finds requests under way, on all models alike."""
        return round(ceil((self.warm_up + at) / PERIOD - 1e-9) * PERIOD + AMID - self.warm_up, 6)

    def result(self, scenario: str, figures: dict[str, float], **more: Any) -> ScenarioResult:
        return ScenarioResult(
            scenario, self.model, self.variant, self.repetition, figures, settings=self.settings, **more
        )

    def cannot(self, scenario: str, why: str) -> ScenarioResult:
        return self.result(scenario, {}, cannot=why)


class Scenario(Protocol):
    """One module each; the module itself is the object. NAME: as on the command line. SUMMARY: a line. KIND: of models
    that it suits. ORDER: scenarios of one deployment run by it, those that disturb last. NEEDS_SAMPLE: its requests
    take times that only our sample application knows."""

    NAME: str
    SUMMARY: str
    KIND: Kind
    ORDER: int
    NEEDS_SAMPLE: bool

    def duration(self, plan: Plan) -> float:
        """Seconds, about, for the estimate of a whole run."""

    async def run(self, deployment: Deployment, plan: Plan) -> ScenarioResult:
        """Raises LoadFailed. What the model cannot do is `cannot` of the result."""
