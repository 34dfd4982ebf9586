"""The table of backends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Group

from proxy.core.statistics import MemberStatistics
from proxy.top.pools import pools
from tests.serve.admin.story import Story
from tests.top.conftest import Heard, drawn, listened


def text(heard: Heard, width: int) -> str:
    return drawn(Group(*pools(*heard, width)), width)


@pytest.mark.parametrize("width", [60, 80, 112, 135, 200])
def test_it_fits(heard: Heard, width: int) -> None:
    assert max(map(len, text(heard, width).splitlines())) <= width


def test_a_state_and_why_and_for_how_long(heard: Heard) -> None:
    lines = text(heard, 160).splitlines()
    row = next(number for number, line in enumerate(lines) if "127.0.0.1:9104" in line)
    assert lines[row].startswith("▲ ejected")
    assert "5 answers in a row were 502; back in 24 s, third time, for 1min" in lines[row + 1]


def test_slots_requests_latency_and_errors(heard: Heard) -> None:
    row = next(line for line in text(heard, 80).splitlines() if "10.0.0.22:9200" in line).split()
    assert row[:4] == ["■", "full", "10.0.0.22:9200", "8/8"]
    assert 30 < float(row[4]) < 70
    assert row[5].endswith("ms")
    assert row[6].endswith("s")
    assert row[7] == "0"


def test_a_queue_and_tries_are_told(heard: Heard) -> None:
    titles = text(heard, 120)
    assert "waiting of 64" in titles
    assert "15 tried again" in titles


def test_members_with_their_shares(heard: Heard) -> None:
    assert "41301 55%  41302 25%  41303 20%  41304 stuck" in text(heard, 160)


def test_a_single_process_is_told_of_only_when_it_is_not_well(heard: Heard) -> None:
    pool = heard.last.pools[0]

    def told(state: str) -> str:
        member = MemberStatistics(number=1, pid=4711, state=state, connections=3)
        backend = replace(pool.backends[0], members=(member,))
        statistics = replace(heard.last, pools=(replace(pool, backends=(backend,)),))
        return text(Heard(statistics, heard.history), 120)

    assert "4711" not in told("running")
    assert "4711 stuck" in told("stuck")


def test_more_columns_where_there_is_room(heard: Heard) -> None:
    narrow, medium, wide = (text(heard, width) for width in (80, 112, 140))
    assert "p90" not in narrow
    assert "last 20 s" in medium
    assert "weight" not in medium
    assert "weight" in wide


def test_names_do_not_reach_the_terminal_as_orders() -> None:
    told = drawn(Group(*pools(*listened(Story(hostile="\x1b[2J[bold]"), 3), 120)), 120)
    assert "\x1b" not in told
    assert "?[2J[bold]" in told
