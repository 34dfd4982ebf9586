"""python -m proxy.lab.compare.cell: a CellSpec as one line of JSON on standard input; on standard output a line for
each event, the last of them for the last scenario.

SIGTERM, SIGINT, or the end of standard input, which is the end of whoever started it, end it and all it has deployed.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from proxy.lab.compare.cell_spec import BadCell, CellSpec
from proxy.lab.compare.events import Began, Deployed, Measured, to_line
from proxy.lab.compare.settled import settled
from proxy.lab.deployment import DeployError, DeploymentSpec
from proxy.lab.load.generate import LoadFailed
from proxy.lab.models.registry import MODELS
from proxy.lab.scenarios.registry import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxy.lab.compare.cell_spec import Run
    from proxy.lab.compare.events import Tell
    from proxy.lab.deployment import Deployment
    from proxy.lab.results import ScenarioResult

SLOWER = 3.0  # times its estimate, and so many seconds more, are a scenario's time: the machine may be busy
PATIENCE = 30.0
QUIET = 10.0  # seconds, at most, for what a scenario has left in queues
BAD_SPEC = 2


async def run_cell(spec: CellSpec, tell: Tell) -> None:
    """Every run has its Measured. A deployment that a scenario has left without one of its workers serves no other
    scenario: the next gets a fresh one."""
    runs = deque(spec.runs)
    while runs:
        try:
            await _deploy_and_run(spec, runs, tell)
        except DeployError as error:
            while runs:
                tell(Measured(runs.popleft().cannot(f"it did not come up: {error}")))


async def _deploy_and_run(spec: CellSpec, runs: deque[Run], tell: Tell) -> None:
    with tempfile.TemporaryDirectory(prefix="rproxy-lab-") as name:
        wanted = DeploymentSpec(spec.to_application(), spec.workers, Path(name), spec.deadline)
        async with MODELS[spec.model].deploying(spec.variant, wanted) as deployed:
            tell(Deployed(spec.model, spec.variant, deployed.description))
            workers = len(deployed.workers())
            while runs and len(deployed.workers()) == workers:
                run = runs.popleft()
                plan = run.plan
                if MODELS[spec.model].kind == "http":
                    await settled(deployed.target, plan.paths[0][1] if plan.paths else "/", QUIET)
                tell(Began(plan.model, plan.variant, plan.repetition, run.scenario, run.estimate))
                tell(Measured(await _measure(run, deployed)))


async def _measure(run: Run, deployed: Deployment) -> ScenarioResult:
    limit = SLOWER * run.estimate + PATIENCE
    try:
        with trio.fail_after(limit):
            return await SCENARIOS[run.scenario].run(deployed, run.plan)
    except trio.TooSlowError:
        return run.cannot(f"it had not ended after {limit:.0f} s")
    except LoadFailed as error:
        return run.cannot(f"the load generator failed: {error}")


async def _serve(spec: CellSpec) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_end_at_signal, nursery.cancel_scope)
        nursery.start_soon(_end_with_input, nursery.cancel_scope)
        await run_cell(spec, _print)
        nursery.cancel_scope.cancel()


def _print(event: object) -> None:
    sys.stdout.buffer.write(to_line(event))  # type: ignore[arg-type]
    sys.stdout.buffer.flush()


async def _end_at_signal(scope: trio.CancelScope) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        await _first(signals)
    scope.cancel()


async def _first(signals: AsyncIterator[int]) -> None:
    async for _ in signals:
        return


async def _end_with_input(scope: trio.CancelScope) -> None:
    """Somebody else's pipe, so it stays blocking, and is read only when there is something, or nothing any more."""
    while True:
        await trio.lowlevel.wait_readable(0)
        if not os.read(0, 4096):
            scope.cancel()
            return


def main() -> int:
    try:
        spec = CellSpec.from_json(_line())
    except BadCell as error:
        print(f"cell: {error}", file=sys.stderr)
        return BAD_SPEC
    trio.run(_serve, spec)
    return 0


def _line() -> bytes:
    """Unbuffered: what comes after it is for `_end_with_input`."""
    held = b""
    while not held.endswith(b"\n") and (data := os.read(0, 65536)):
        held += data
    return held


if __name__ == "__main__":
    sys.exit(main())
