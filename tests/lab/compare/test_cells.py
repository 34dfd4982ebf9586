"""Processes of cells: heard until their end, ended when nobody wants them any more, and answered for when they die."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.lab.compare import cells
from proxy.lab.compare.cell_spec import CellSpec, Run
from proxy.lab.compare.events import Began, Event, Measured, to_line
from proxy.lab.scenarios.scenario import Plan
from tests.processes import is_gone

if TYPE_CHECKING:
    from pathlib import Path

RUNS = tuple(Run(name, Plan("direct", ""), 1.0) for name in ("one", "two"))
SPEC = CellSpec("direct", "", 0, 1, RUNS, {}, "app", {}, False)


def become(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """A process with that program in a cell's place."""
    monkeypatch.setattr(cells, "COMMAND", (sys.executable, "-c", program))


async def events_of(prefix: tuple[str, ...] = ()) -> list[Event]:
    events: list[Event] = []
    with trio.fail_after(20):
        await cells.run_cell(SPEC, events.append, prefix)
    return events


@pytest.mark.slow
async def test_what_it_says_is_told_and_what_it_did_not_say_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    one = to_line(Measured(RUNS[0].cannot("of one")))
    become(monkeypatch, f"import os; os.write(1, b'nonsense\\n' + {one!r}); os.write(2, b'no memory'); os._exit(3)")
    first, second = await events_of()
    assert isinstance(first, Measured)
    assert isinstance(second, Measured)
    assert first.result.cannot == "of one"
    assert second.result.scenario == "two"
    assert second.result.cannot == "the process that measured it ended with status 3: no memory"


@pytest.mark.slow
async def test_it_gets_its_specification_and_runs_behind_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    become(monkeypatch, "import os, sys; sys.exit(input() + os.environ['KERNEL'])")
    first, _ = await events_of(("/usr/bin/env", "KERNEL=another"))
    assert isinstance(first, Measured)
    assert first.result.cannot.endswith(SPEC.to_json().decode() + "another")


@pytest.mark.slow
async def test_the_end_of_its_input_is_the_order_to_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    became = to_line(Began("direct", "", 0, "one", 1.0))
    program = f"import os; input(); os.write(1, {became!r}); os.read(0, 1); open({str(tmp_path / 'clean')!r}, 'w')"
    become(monkeypatch, program)
    with trio.move_on_after(20) as scope:
        await cells.run_cell(SPEC, lambda event: scope.cancel())
    assert (tmp_path / "clean").exists()


@pytest.mark.slow
async def test_who_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    became = to_line(Began("direct", "", 0, "one", 1.0))
    pid = tmp_path / "pid"
    program = (
        f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); os.write(1, {became!r}); time.sleep(99)"
    )
    become(monkeypatch, program)
    monkeypatch.setattr(cells, "GRACE", 0.2)
    began = time.monotonic()
    with trio.move_on_after(20) as scope:
        await cells.run_cell(SPEC, lambda event: scope.cancel())
    assert is_gone(int(pid.read_text()))
    assert time.monotonic() - began < 20
