"""Jobs come in a burst, then one by one: who takes them, how often nobody does, and which are lost unseen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast, get_args

import trio

from proxy.core.address import TcpAddress, parse_address
from proxy.core.metrics.fairness import jain_index
from proxy.lab.analysis.fairness import chance_cv, cv, max_over_mean
from proxy.lab.load.jobs.sender import Sender, Sent, send_jobs
from proxy.lab.measure.cpu import cpu_seconds
from proxy.lab.results import Mark, WorkerShare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from proxy.lab.deployment import Deployment
    from proxy.lab.models.model import Kind
    from proxy.lab.results import ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

NAME = "jobs"
SUMMARY = "jobs in a burst, then one by one: how evenly they are taken, how many are refused, and how many are lost"
KIND: Kind = "jobs"
ORDER = 80
NEEDS_SAMPLE = True
WORK = 0.02  # seconds that a job sleeps; with its processes a loop is busy with it for about 0.05
A_JOB = 0.06  # seconds of a loop, generously
BURST_SHARE, CALM = 0.4, 3.0  # of the time, for the burst; one by one there is three times the time that they take
TIMEOUT = 10.0  # seconds until a job is given up


class TakesJobs(Protocol):
    """A deployment of a model of jobs has this too."""

    def taken(self) -> Mapping[int, Sequence[str]]:
        """Jobs by the number of the worker that took them."""

    async def settled(self) -> None:
        """Until every worker waits for a job, and no job for a worker."""


@dataclass(frozen=True, slots=True)
class Wave:
    """names: of its jobs. apart: seconds between two of them."""

    text: str
    names: tuple[str, ...]
    apart: float


def duration(plan: Plan) -> float:
    """What was refused comes again, and the last ones wait longest."""
    return 1.5 * plan.seconds + 0.5


def waves(plan: Plan) -> tuple[Wave, Wave]:
    """So many jobs that they fill the plan's time."""
    together = max(round(BURST_SHARE * plan.seconds * plan.workers / A_JOB), 5 * plan.workers)
    apart = CALM * A_JOB / plan.workers
    single = max(round((1 - BURST_SHARE) * plan.seconds / apart), 2 * plan.workers)
    return (
        Wave(f"{together} jobs at once", _names("burst", together), 0.0),
        Wave(f"{single} jobs, one each {apart * 1000:.0f} ms", _names("calm", single), apart),
    )


def _names(wave: str, count: int) -> tuple[str, ...]:
    return tuple(f"{wave}-{number} {WORK:g}" for number in range(1, count + 1))


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """The sender is the variant's; without the name of one in it, the one that waits for the end."""
    address = parse_address(deployment.target)
    if not hasattr(deployment, "taken") or not isinstance(address, TcpAddress):
        return plan.cannot(NAME, "it answers requests, and takes no jobs")
    takes = cast("TakesJobs", deployment)
    sender: Sender = cast("Sender", plan.variant) if plan.variant in get_args(Sender) else "eof"
    sent, marks, notes = Sent(), [], []
    before, began = _cpu(deployment), trio.current_time()
    for wave in waves(plan):
        marks.append(Mark(trio.current_time() - began, wave.text))
        failed = sent.refused + sent.reset
        await send_jobs(address, wave.names, sender, apart=wave.apart, give_up=TIMEOUT, sent=sent)
        await takes.settled()
        failed = sent.refused + sent.reset - failed
        notes.append(f"{wave.text}: {len(_lost(sent, takes, wave.names))} lost, {failed} tries refused or reset")
    seconds = trio.current_time() - began
    shares = _shares(deployment, takes, before)
    names = [name for wave in waves(plan) for name in wave.names]
    times = Counter(job for jobs in takes.taken().values() for job in jobs)
    if twice := times.total() - len(times):
        notes.append(f"{twice} taken once more, after a try that had seemed to fail")
    figures = {
        "intended": float(len(names)),
        "requests_per_second": len(times) / seconds,
        "lost": float(len(_lost(sent, takes, names))),
        **_seen(sent),
        **_evenness([float(share.connections) for share in shares]),
    }
    return plan.result(NAME, figures, shares=shares, marks=tuple(marks), notes=tuple(notes))


def _lost(sent: Sent, takes: TakesJobs, names: Sequence[str]) -> set[str]:
    """Those that the sender takes for done, and that nobody has taken."""
    return (sent.done.keys() & set(names)) - {job for jobs in takes.taken().values() for job in jobs}


def _cpu(deployment: Deployment) -> dict[int, float]:
    """By worker."""
    return {worker.number: cpu_seconds([worker.pid]) for worker in deployment.workers()}


def _shares(deployment: Deployment, takes: TakesJobs, before: Mapping[int, float]) -> tuple[WorkerShare, ...]:
    """A connection is a job."""
    taken = takes.taken()
    return tuple(
        WorkerShare(number, pid, count, count, max(cpu_seconds([pid]) - before.get(number, 0.0), 0.0))
        for number, pid, count in (
            (worker.number, worker.pid, len(taken.get(worker.number, ()))) for worker in deployment.workers()
        )
    )


def _seen(sent: Sent) -> dict[str, float]:
    """What the sender knows."""
    figures = {"failed": len(sent.given_up), "refused": sent.refused, "reset": sent.reset}
    waits = sorted(sent.done.values())
    waited = {"p50": waits[len(waits) // 2], "max": waits[-1]} if waits else {}
    return {name: float(value) for name, value in (figures | waited).items()}


def _evenness(counts: Sequence[float]) -> dict[str, float]:
    return {
        "jain_connections": jain_index(counts),
        "cv_connections": cv(counts),
        "max_mean_connections": max_over_mean(counts),
        "chance_cv": chance_cv(len(counts), int(sum(counts))),
    }
