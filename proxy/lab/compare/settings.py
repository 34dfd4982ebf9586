"""What a run of the lab is to be, as given."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.lab.load.mix import mix
from proxy.lab.simulate.service import parse_service

QUICK = ("capacity", "latency", "crash", "footprint", "jobs")  # what a first answer needs
# What tells a model's variants apart. Fairness decides nothing in a verdict, and 16 models take 15 s for it.
VARIANTS = (*QUICK, "fairness")


@dataclass(frozen=True, slots=True)
class Settings:
    """models, scenarios: names; None for all, in a quick run for those of QUICK. rate: requests per second of open
    loops; None has it measured. seconds: of measured load in each scenario; None for what fits a quick run, or FULL.
    paths: that requests ask for, as often as each other. service: instead of these, how long a request takes the sample
    application, `exponential:5ms`; kind: whether it computes, sleeps, or blocks so long."""

    is_quick: bool = False
    models: tuple[str, ...] | None = None
    scenarios: tuple[str, ...] | None = None
    workers: int = 2
    repetitions: int = 3
    rate: float | None = None
    seconds: float | None = None
    paths: tuple[str, ...] = ()
    service: str = ""
    kind: str = "cpu"
    seed: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError, in words of the command line."""
        for name in ("workers", "repetitions"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name}: {getattr(self, name)} is not above 0")
        for name in ("rate", "seconds"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"--{name}: {value} is not above 0")
        for path in self.paths:
            if not path.startswith("/"):
                raise ValueError(f"--path: {path!r} does not begin with /")
        if self.service and self.paths:
            raise ValueError("--service and --path: give one of them")
        self.mix()

    def mix(self) -> tuple[tuple[float, str], ...]:
        """Paths with weights, for the sample application; empty without a service. Raises ValueError."""
        if not self.service:
            return ()
        try:
            return mix(parse_service(self.service), self.kind)
        except ValueError as error:
            raise ValueError(f"--service: {error}") from None

    def as_text(self) -> dict[str, str]:
        """For the report."""
        return {
            "mode": "quick" if self.is_quick else "full",
            "workers": str(self.workers),
            "repetitions": str(self.repetitions),
            "seed": str(self.seed),
            "paths": " ".join(self.paths) or "/",
            **({"service": f"{self.service} ({self.kind})"} if self.service else {}),
        }
