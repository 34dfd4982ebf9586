"""What stands above and below the pools: all together; frontends, workers, errors, events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from proxy.core.metrics.fairness import jain_index
from proxy.top import words
from proxy.top.quantiles import quantile, together
from proxy.top.styles import BAD, QUIET, plain, state
from proxy.top.trouble import troubles, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.statistics import FrontendStatistics, Statistics, WorkerStatistics
    from proxy.top.history import History

TROUBLED = 4  # told in the head; pools may be below what a terminal shows
EVENTS = 8  # shown, the newest first
ERRORS = 8
LEVELS = {"error": BAD, "critical": BAD, "warning": "yellow"}
SHARE = 20  # columns of a bar


def head(statistics: Statistics, history: History) -> Text:
    """Which rproxy this is, whether all is well, and all frontends together."""
    names = [frontend.name for frontend in statistics.frontends]
    exchanges, errors, sent = (_sum(history, names, what) for what in ("exchanges", "5xx", "bytes_out"))
    times = together([found for name in names if (found := history.times(name))])
    active = sum(frontend.active for frontend in statistics.frontends)
    up, reloads = words.age(statistics.now - statistics.started_at), statistics.generation - 1
    who = "  ".join(filter(None, (f"rproxy {statistics.version}", statistics.config_file, f"pid {statistics.pid}")))
    return Text.assemble(
        plain(f"{who}  up {up}", QUIET), (f"  reloaded {reloads}x" if reloads > 0 else "", QUIET), "\n",
        verdict(statistics), "\n", *_trouble(statistics),
        (words.rate(exchanges), "bold"), " requests/s   ",
        (f"{words.rate(errors)} errors/s", BAD if errors else ""), "   ",
        ("p50 ", QUIET), words.seconds(quantile(times, 0.5)), (" p99 ", QUIET), words.seconds(quantile(times, 0.99)),
        f"   {words.amount(active)} clients   {words.size(sent)}/s out",
    )  # fmt: skip


def _trouble(statistics: Statistics) -> Iterator[Text]:
    """A line for each of the first."""
    found = troubles(statistics)
    for one in found[:TROUBLED]:
        yield Text.assemble("  ", state(one.state), plain(f" {one.name} ", "bold"), plain(one.why, QUIET), "\n")
    if len(found) > TROUBLED:
        yield Text(f"  and {len(found) - TROUBLED} more\n")


def _sum(history: History, frontends: list[str], what: str) -> float | None:
    rates = [rate for name in frontends if (rate := history.rate("frontend", name, what)) is not None]
    return sum(rates) if rates else None


def frontends(statistics: Statistics, history: History) -> Table:
    table = _table("frontend", "listens at", "requests/s", "5xx/s", "clients", "p50", "p99", "out/s")
    for frontend in statistics.frontends:
        table.add_row(*_frontend(frontend, history))
    return table


def _frontend(frontend: FrontendStatistics, history: History) -> list[Text]:
    key = ("frontend", frontend.name)
    errors, times = history.rate(*key, "5xx"), history.times(frontend.name)
    return [
        plain(frontend.name, "bold"),
        plain(f"{frontend.mode} {' '.join(frontend.addresses)}", QUIET),
        Text(words.rate(history.rate(*key, "exchanges"))),
        Text(words.rate(errors), BAD if errors else QUIET),
        Text(words.amount(frontend.active)),
        Text(words.seconds(quantile(times, 0.5))),
        Text(words.seconds(quantile(times, 0.99))),
        Text(words.size(history.rate(*key, "bytes_out"))),
    ]


def workers(statistics: Statistics, history: History) -> Table:
    """With the share that each has of the work, and how even that is: 1 is all the same (Jain's index)."""
    rates = [history.rate("worker", worker.number, "exchanges") or 0.0 for worker in statistics.workers]
    fairness = f"fairness {jain_index(rates):.2f}" if len(rates) > 1 and any(rates) else "share"
    table = _table("worker", fairness, "requests/s", "clients", "up", "starts")
    for worker, rate in zip(statistics.workers, rates, strict=True):
        table.add_row(*_worker(worker, rate, sum(rates), statistics.now))
    return table


def _worker(worker: WorkerStatistics, rate: float, total: float, now: float) -> list[Text]:
    is_good = worker.state == "running"
    silent = worker.heartbeat_age or 0.0
    name = f"#{worker.number} pid {worker.pid}{'' if is_good else f' {worker.state}'}"
    return [
        plain(name + (f", silent for {words.age(silent)}" if silent > 1 else ""), "" if is_good else BAD),
        Text.assemble((words.bar(rate, total, SHARE), "blue"), f" {words.share(rate, total)}"),
        Text(words.rate(rate)),
        Text(words.amount(worker.active)),
        Text(words.age(now - worker.since)),
        Text(str(worker.starts)),
    ]


def errors(statistics: Statistics, history: History) -> Table | None:
    """Why exchanges ended otherwise than well, those of the last minute first; None when none did."""
    found: dict[str, list[int]] = {}
    for frontend in statistics.frontends:
        for reason, total in frontend.reasons.items():
            if reason != "ok" and total:
                counts = found.setdefault(reason, [0, 0])
                counts[0] += history.seen("frontend", frontend.name, "reason", reason)
                counts[1] += total
    if not found:
        return None
    table = _table("error", "", "last minute", "in all")
    for reason, (recent, total) in sorted(found.items(), key=lambda item: item[1], reverse=True)[:ERRORS]:
        style = BAD if recent else ""
        table.add_row(plain(reason, style), "", Text(words.amount(recent), style), Text(words.amount(total)))
    return table


def events(statistics: Statistics) -> Table | None:
    """What changed last; None when nothing has."""
    if not statistics.events:
        return None
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style=QUIET)
    table.add_column("ago", justify="right")
    table.add_column("event", overflow="fold")
    for event in statistics.events[: -EVENTS - 1 : -1]:
        table.add_row(Text(words.age(statistics.now - event.at), QUIET), plain(event.text, LEVELS.get(event.level, "")))
    return table


def _table(first: str, second: str, *numbers: str) -> Table:
    """first, second: words, and the second takes what is left; then numbers."""
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), show_edge=False, header_style=QUIET)
    table.add_column(first, min_width=12, overflow="fold")
    table.add_column(second, ratio=1, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True, min_width=6)
    return table
