"""What stands above and below the pools."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.top.overview import ERRORS, EVENTS, errors, events, frontends, head, workers
from tests.top.conftest import drawn

if TYPE_CHECKING:
    from tests.top.conftest import Heard


def test_the_head_tells_who_whether_all_is_well_and_how_much(heard: Heard) -> None:
    who, verdict, *_, numbers = drawn(head(*heard)).splitlines()
    assert who == "rproxy 0.1.0  /etc/rproxy/lb.toml  pid 41210  up 3d  reloaded 7x"
    assert verdict == "■ 8 of 13 backends take work"
    assert "requests/s" in numbers
    assert "errors/s" in numbers


def test_the_head_names_the_first_in_trouble(heard: Heard) -> None:
    lines = [line.rstrip() for line in drawn(head(*heard)).splitlines()[2:-1]]
    assert lines[0] == "  ✖ stuck app 127.0.0.1:9103 member 4, pid 41304"
    assert lines[1] == "  ▲ ejected app 127.0.0.1:9104 5 answers in a row were 502; back in 24 s, third time, for 1min"
    assert len(lines) == 4
    pool = heard.last.pools[0]
    down = tuple(replace(one, state="unhealthy") for one in pool.backends)
    text = drawn(head(replace(heard.last, pools=(replace(pool, backends=down),)), heard.history))
    assert "and 2 more" in text


def test_every_frontend(heard: Heard) -> None:
    rows = drawn(frontends(*heard)).splitlines()
    assert [row.split()[0] for row in rows] == ["frontend", "web", "internal", "postgres"]
    assert "http 0.0.0.0:443 [::]:443" in rows[1]


def test_workers_with_shares_and_fairness(heard: Heard) -> None:
    rows = drawn(workers(*heard)).splitlines()
    assert "fairness 0.99" in rows[0]
    assert len(rows) == 5
    assert "27%" in rows[1]


def test_a_worker_that_hangs_stands_out(heard: Heard) -> None:
    hung = replace(heard.last.workers[0], state="hung", heartbeat_age=7.0)
    assert "#1 pid 41271 hung, silent for 7s" in drawn(workers(replace(heard.last, workers=(hung,)), heard.history))


def test_errors_of_the_last_minute_come_first_and_ok_is_none(heard: Heard) -> None:
    table = errors(*heard)
    assert table is not None
    rows = [row.split() for row in drawn(table).splitlines()[1:]]
    assert {row[0] for row in rows} == {"write/client-gone", "answer/closed-before-answer", "pick/queue-timeout"}
    recent = [int(row[1]) for row in rows]
    assert recent == sorted(recent, reverse=True)
    assert len(rows) <= ERRORS


def test_no_errors_and_no_events_take_no_room(heard: Heard) -> None:
    well = tuple(replace(one, reasons={"ok": 5, "pick/no-backend": 0}) for one in heard.last.frontends)
    assert errors(replace(heard.last, frontends=well), heard.history) is None
    assert events(replace(heard.last, events=())) is None


def test_the_newest_event_comes_first(heard: Heard) -> None:
    many = tuple(replace(heard.last.events[-1], text=f"event {number}") for number in range(50))
    table = events(replace(heard.last, events=many))
    assert table is not None
    rows = drawn(table).splitlines()[1:]
    assert [row.split()[-1] for row in rows] == [str(number) for number in range(49, 49 - EVENTS, -1)]
