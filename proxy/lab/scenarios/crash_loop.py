"""One worker dies each time it is started, as it does while its database is away: who gives it up for good?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio

from proxy.lab.deployment import CannotDo
from proxy.lab.load.generate import generating
from proxy.lab.measure.load_figures import doubts, errors
from proxy.lab.results import Mark
from proxy.lab.scenarios.scenario import TIMEOUT

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.load.generate import Load
    from proxy.lab.models.model import Kind
    from proxy.lab.results import ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

NAME = "crash-loop"
SUMMARY = "one worker is killed again and again: is it started for ever, and what is lost meanwhile"
KIND: Kind = "http"
ORDER = 95
NEEDS_SAMPLE = False
FIRST, LAST = 0.2, 0.8  # of the measured time
KILLS = 6  # one more than the starts in ten seconds after which systemd's own settings give a unit up
PATIENCE = 6.0  # seconds for its last start: the longest pause of whoever makes pauses is 5
LOOK = 0.01  # seconds between two looks whether it is there again


def duration(plan: Plan) -> float:
    return plan.warm_up + plan.seconds + TIMEOUT


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """The others serve on, so that errors alone do not tell."""
    before = deployment.workers()
    if not before:
        return plan.cannot(NAME, "a process lives for one connection only: there is no worker to kill")
    number = before[-1].number
    async with generating(plan.load(deployment, clients="mixed", arrivals="constant")) as load:
        await load.wait(FIRST * plan.seconds)
        try:
            marks = await _kill_often(deployment, number, load, LAST * plan.seconds)
        except CannotDo as why:
            return plan.cannot(NAME, str(why))
        result = await load.result()
    if len(marks) > 1:  # somebody starts it again
        with trio.move_on_after(PATIENCE):
            await _until_there(deployment, number, 0)
    missing = len(before) - len(deployment.workers())
    notes = (*doubts(result), *_told(number, marks, missing))
    figures = {**errors(result), "missing": float(missing)}
    return plan.result(NAME, figures, load=result, marks=tuple(marks), notes=notes)


async def _kill_often(deployment: Deployment, number: int, load: Load, until: float) -> list[Mark]:
    """Each time it is there: once, and until that second of the load as often as it comes back, KILLS times at most.
    Raises CannotDo."""
    began, pid = await load.began(), 0
    marks: list[Mark] = []
    with trio.CancelScope() as scope:
        while len(marks) < KILLS:
            pid = await _until_there(deployment, number, pid)
            await deployment.kill(number)
            marks.append(Mark(round(time.monotonic() - began, 3), f"SIGKILL worker {number}"))
            scope.deadline = trio.current_time() + max(began + until - time.monotonic(), 0.0)
    return marks


async def _until_there(deployment: Deployment, number: int, old: int) -> int:
    """The process that has that number now, and is another one than `old`."""
    while True:
        for worker in deployment.workers():
            if worker.number == number and worker.pid != old:
                return worker.pid
        await trio.sleep(LOOK)


def _told(number: int, marks: list[Mark], missing: int) -> list[str]:
    count = f"{len(marks)} time{'s' if len(marks) > 1 else ''}"
    if missing:
        return [f"worker {number} was killed {count}, and then nobody started it again"]
    return [f"worker {number} was killed {count} and started each time"]
