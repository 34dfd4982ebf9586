"""What happens during a comparison: as lines of JSON from a cell, and as calls of whoever shows the progress."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from proxy.lab.results import ScenarioResult


@dataclass(frozen=True, slots=True)
class Planned:
    """Before anything runs, and again when more is known. runs: scenarios to come, of all cells. seconds: about, until
    the end of all. rate: requests per second of open loops; 0 while it is not chosen. why: of the rate."""

    runs: int
    seconds: float
    rate: float = 0.0
    why: str = ""
    kind: Literal["planned"] = "planned"


@dataclass(frozen=True, slots=True)
class Deployed:
    """It serves. description: see Deployment."""

    model: str
    variant: str
    description: str
    kind: Literal["deployed"] = "deployed"


@dataclass(frozen=True, slots=True)
class Began:
    """A scenario. seconds: that it is thought to take."""

    model: str
    variant: str
    repetition: int
    scenario: str
    seconds: float
    kind: Literal["began"] = "began"


@dataclass(frozen=True, slots=True)
class Measured:
    """A scenario ended, or could not be measured: `result.cannot`."""

    result: ScenarioResult
    kind: Literal["measured"] = "measured"


Event = Planned | Deployed | Began | Measured
Tell = Callable[[Event], None]
_ADAPTER: TypeAdapter[Event] = TypeAdapter(
    Annotated[Event, Field(discriminator="kind")],
    config=ConfigDict(ser_json_inf_nan="constants"),  # a recovery that never came
)


def to_line(event: Event) -> bytes:
    return _ADAPTER.dump_json(event) + b"\n"


def from_line(line: bytes) -> Event:
    """Raises pydantic's ValidationError, a ValueError."""
    return _ADAPTER.validate_json(line)
