"""Whether a result is one of the target, or of the generator itself."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.lab.load.clients.causes import OWN

BUSY = 0.9  # of a processor: beyond it a loop in Python has no time left in which it waited for the target
NEVER_IDLE = 0.97  # of the time running, or ready to: then no answer of the target was ever waited for
PART = 0.25  # of a latency that may be the generator's own lateness
SMALLEST = 0.002  # seconds of lateness at the 99th percentile that no result is refused for
SMALLEST_MEDIAN = 0.0005


@dataclass(frozen=True, slots=True)
class Facts:
    """What the judgement needs. Shares are of one processor; times in seconds."""

    is_open: bool
    intended: int
    errors: dict[str, int]
    cpu_share: float
    waited_share: float
    lateness_p50: float
    lateness_p99: float
    latency_p50: float
    latency_p99: float


def why_invalid(facts: Facts) -> str:
    """A sentence with its numbers; empty when the result is the target's."""
    own = {cause.removeprefix(OWN): number for cause, number in facts.errors.items() if cause.startswith(OWN)}
    if own:
        told = ", ".join(f"{number} for want of {cause}" for cause, number in sorted(own.items()))
        return f"the generator itself failed requests: {told}"
    if not facts.intended:
        return "no request was intended in the measured time"
    if facts.cpu_share > BUSY:
        return f"the generator was the bottleneck: it used {facts.cpu_share:.0%} of a processor"
    if not facts.is_open:
        return _why_never_idle(facts)
    for name, late, latency, smallest in (
        ("median", facts.lateness_p50, facts.latency_p50, SMALLEST_MEDIAN),
        ("p99", facts.lateness_p99, facts.latency_p99, SMALLEST),
    ):
        if latency and late > max(smallest, PART * latency):
            return (
                f"the generator was late: {late * 1000:.1f} ms at the {name}, of a latency of {latency * 1000:.1f} ms"
                f" (it waited for a processor {facts.waited_share:.0%} of the time)"
            )
    return ""


def _why_never_idle(facts: Facts) -> str:
    if facts.cpu_share + facts.waited_share <= NEVER_IDLE:
        return ""
    return (
        f"the generator was the bottleneck: it ran {facts.cpu_share:.0%} of the time and waited for a processor "
        f"{facts.waited_share:.0%} of it, so that it never waited for the target"
    )
