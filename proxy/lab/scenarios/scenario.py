"""What a scenario is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.models.model import Kind
    from proxy.lab.results import ScenarioResult


@dataclass(frozen=True, slots=True)
class Plan:
    """How a scenario is to be run.

    model, variant, repetition: what its result is filed under. seconds: of measured load; warm_up: before. rate:
    requests per second of open loops; all models of a comparison get the same one in the same scenario. connections:
    of closed loops and of keep-alive clients. workers: that were asked for. paths: (weight, path), the mix of requests;
    the default of a scenario when empty. settings: what is changed in the kernel, already done.
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
