"""What runs, how long it will take, and figures as they come: on a terminal with a line at the bottom that moves, else
as plain lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from proxy.lab.analysis.summary import counts, way_of
from proxy.lab.analysis.words import value_text
from proxy.lab.compare.events import Began, Measured, Planned
from proxy.lab.figures import FIGURES

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.console import Console

    from proxy.lab.compare.events import Event
    from proxy.lab.results import ScenarioResult

PER_SECOND = 2  # drawings; one costs 2 ms of a processor that is being measured on
SHOWN = 3  # figures of a result
TELLING = (
    "requests_per_second", "fast_p99", "p99", "missing", "failed", "lost", "recovery", "share_after", "new_share",
    "jain_connections", "memory", "cpu_per_request",
)  # fmt: skip


class Progress:
    """A context; `tell` hears the events of a comparison. clock: seconds, monotonic."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._began = self._planned_at = clock()
        self._plan: Planned | None = None
        self._total = self._done = 0
        self._now = "looking what can run"
        self._live = Live(get_renderable=self._line, console=console, refresh_per_second=PER_SECOND, transient=True)

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def tell(self, event: Event) -> None:
        """What a comparison calls."""
        if isinstance(event, Planned):
            self._hear_plan(event)
        elif isinstance(event, Began):
            name = f"{event.model} ({event.variant})" if event.variant else event.model
            self._now = f"{name}: {event.scenario}" + (f", run {event.repetition + 1}" if event.repetition else "")
        elif isinstance(event, Measured):
            self._done += 1
            self._console.print(told(event.result), highlight=False, markup=False, soft_wrap=True)

    def _hear_plan(self, plan: Planned) -> None:
        """The total stays what it was at first unless more came."""
        if self._plan is None:
            text = f"{plan.runs} measurements, about {minutes(plan.seconds)}."
            self._console.print(text, highlight=False)
        if plan.rate and (self._plan is None or not self._plan.rate):
            self._console.print(f"Rate: {plan.rate:,.4g} requests per second ({plan.why}).", highlight=False)
            self._done = 0  # what calibrated it was not among them
        self._plan, self._planned_at = plan, self._clock()
        self._total = self._done + plan.runs

    @property
    def remaining(self) -> float:
        """Seconds, about; never less than one."""
        if self._plan is None:
            return 1.0
        return max(self._plan.seconds - (self._clock() - self._planned_at), 1.0)

    def _line(self) -> Table:
        made = Table.grid(padding=(0, 1))
        elapsed = self._clock() - self._began
        bar = ProgressBar(total=elapsed + self.remaining, completed=elapsed, width=20, complete_style="cyan")
        count = Text(f"{self._done}/{self._total}", "bold")
        made.add_row(
            bar,
            count,
            Text(f"{minutes(self.remaining)} left", "dim"),
            Text(self._now, overflow="ellipsis", no_wrap=True),
        )
        return made


def minutes(seconds: float) -> str:
    """ "45 s", "3 min", "1 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    whole = round(seconds / 60)
    return f"{whole} min" if whole < 60 else f"{whole // 60} h {whole % 60} min"


def told(result: ScenarioResult) -> str:
    """A line: who, what, and its first figures, or why there are none."""
    begin = f"{way_of(result)!s:36} {result.scenario:10}"
    if result.cannot:
        return f"{begin} cannot: {result.cannot}"
    shown = [name for name in TELLING if name in result.figures][:SHOWN]
    figures = "  ".join(f"{name} {value_text(result.figures[name], FIGURES[name].unit)}" for name in shown)
    is_late = any(not counts(result, name) for name in shown)
    doubt = f"  (does not count: {result.load.why_invalid.partition(':')[0]})" if is_late and result.load else ""
    return f"{begin} {figures}{doubt}"
