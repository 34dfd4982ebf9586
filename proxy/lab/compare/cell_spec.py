"""What a cell is, one deployment of one variant with some scenarios one after the other; and its JSON both ways."""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from proxy.lab.application import Application
from proxy.lab.results import ScenarioResult
from proxy.lab.scenarios.scenario import Plan


class BadCell(ValueError):
    """A CellSpec that is none; the message says which field."""


@dataclass(frozen=True, slots=True)
class Run:
    """scenario: its name. estimate: seconds that it is thought to take."""

    scenario: str
    plan: Plan
    estimate: float

    def cannot(self, why: str) -> ScenarioResult:
        """The result when there is none."""
        plan = self.plan
        return ScenarioResult(self.scenario, plan.model, plan.variant, plan.repetition, {}, plan.settings, cannot=why)


@dataclass(frozen=True, slots=True)
class CellSpec:
    """runs: in this order. settings: of the kernel, by sysctl's names, all in a network namespace of the cell's own;
    none when empty. application, commands, is_sample: an Application. deadline: seconds until a deployment must serve.
    """

    model: str
    variant: str
    repetition: int
    workers: int
    runs: tuple[Run, ...]
    settings: dict[str, str]
    application: str
    commands: dict[str, tuple[str, ...]]
    is_sample: bool
    deadline: float = 15.0

    def to_json(self) -> bytes:
        return _ADAPTER.dump_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> "CellSpec":
        """Raises BadCell."""
        try:
            return _ADAPTER.validate_json(text)
        except ValidationError as error:
            raise BadCell(str(error)) from None

    def to_application(self) -> Application:
        return Application(self.application, self.commands, self.is_sample)  # type: ignore[arg-type]


_ADAPTER = TypeAdapter(CellSpec)
