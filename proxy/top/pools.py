"""The pools: a line for each backend, with why it takes no work and the members of a group below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from proxy.top import words
from proxy.top.styles import BAD, QUIET, plain, state
from proxy.top.trouble import WELL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from proxy.core.statistics import BackendStatistics, MemberStatistics, PoolStatistics, Statistics
    from proxy.top.history import History

CHART = 20  # columns, a second each
CHART_NAME = f"last {CHART} s"
MEDIUM, WIDE = 112, 135  # columns of a terminal from which on there is room for more


def pools(statistics: Statistics, history: History, width: int) -> Iterator[RenderableType]:
    """width: of the terminal, in columns."""
    for pool in statistics.pools:
        yield _title(pool)
        yield _table(pool, history, statistics.now, width)


def _title(pool: PoolStatistics) -> Text:
    title = Text.assemble("\n", plain(pool.name, "bold"), "  ", plain(pool.balance, QUIET))
    if pool.waiting:
        title.append(f"  {pool.waiting} waiting of {pool.queue_limit}", "bold yellow")
    if retried := sum(pool.retried.values()):
        title.append(f"  {words.amount(retried)} tried again", QUIET)
    return title


def _table(pool: PoolStatistics, history: History, now: float, width: int) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), show_edge=False, header_style=QUIET)
    table.add_column("state", width=11)
    table.add_column("backend", ratio=1, overflow="fold")
    for name, columns, least in (
        ("slots", 8, 0), ("req/s", 6, 0), (CHART_NAME, CHART, MEDIUM), ("p50", 7, 0), ("p90", 7, MEDIUM),
        ("p99", 7, 0), ("5xx/s", 6, 0), ("idle", 5, WIDE), ("weight", 7, WIDE),
    ):  # fmt: skip
        if width >= least:
            table.add_column(name, width=columns, justify="left" if name == CHART_NAME else "right", no_wrap=True)
    series = {one.address: history.series("backend", pool.name, one.address, "picked") for one in pool.backends}
    top = max((max(points, default=0.0) for points in series.values()), default=0.0)
    for backend in pool.backends:
        chart = words.spark(series[backend.address], top, CHART)
        cells = _cells(backend, chart, history, ("backend", pool.name, backend.address))
        shown = (cell for cell, least in cells if width >= least)
        table.add_row(state(backend.state), _name(backend, now), *shown)
    return table


def _cells(
    backend: BackendStatistics, chart: str, history: History, key: tuple[str, ...]
) -> Iterator[tuple[Text, int]]:
    """With the width from which on each is shown, in the order of the columns."""
    errors = history.rate(*key, "5xx")
    full = bool(backend.max_connections) and backend.taken >= backend.max_connections
    limit = f"/{backend.max_connections}" if backend.max_connections else ""
    yield Text(f"{backend.taken}{limit}", style="yellow" if full else ""), 0
    yield Text(words.rate(history.rate(*key, "picked")), style="bold"), 0
    yield Text(chart, style="blue"), MEDIUM
    yield Text(words.seconds(backend.latency.p50)), 0
    yield Text(words.seconds(backend.latency.p90)), MEDIUM
    yield Text(words.seconds(backend.latency.p99)), 0
    yield Text(words.rate(errors), style=BAD if errors else QUIET), 0
    yield Text(str(backend.idle)), WIDE
    yield Text(_weight(backend)), WIDE


def _weight(backend: BackendStatistics) -> str:
    if backend.effective_weight == backend.weight:
        return str(backend.weight)
    return f"{words.amount(backend.effective_weight)}/{backend.weight}"


def _name(backend: BackendStatistics, now: float) -> Text:
    name = plain(backend.address)
    if backend.state != "ready":
        why = f"{backend.reason}, " if backend.reason else ""
        name.append("\n").append_text(plain(f"{why}for {words.age(now - backend.since)}", QUIET))
    if len(backend.members) > 1 or any(member.state not in WELL for member in backend.members):
        name.append("\n").append_text(_members(backend.members))
    return name


def _members(members: tuple[MemberStatistics, ...]) -> Text:
    """`41301 55%  41302 45%  41303 stuck`: the kernel's hash shares connections out unevenly, so shares are told."""
    total = sum(member.connections or 0 for member in members)
    return Text("  ").join(
        plain(f"{member.pid or f'#{member.number}'} {_told(member, total)}", QUIET if member.state in WELL else BAD)
        for member in members
    )


def _told(member: MemberStatistics, total: int) -> str:
    if member.state != "running":
        return member.state
    return "" if member.connections is None else words.share(member.connections, total)
