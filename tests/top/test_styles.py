"""States, the verdict over all of them, and names that come from elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from proxy.core.statistics import BackendCondition
from proxy.top.styles import STATES, plain, state, verdict

if TYPE_CHECKING:
    from proxy.core.statistics import Statistics
    from tests.top.conftest import Heard


def test_every_state_has_a_shape_of_its_own() -> None:
    assert set(STATES) == set(get_args(BackendCondition))
    assert len({shape for shape, _ in STATES.values()}) == len(STATES)


def test_a_state_of_another_version_is_shown() -> None:
    assert state("sleeping").plain == "? sleeping"


def test_names_are_neither_markup_nor_escape_sequences() -> None:
    assert plain("[red]\x1b[2J\r\x07").plain == "[red]?[2J??"


def test_the_verdict(heard: Heard) -> None:
    assert verdict(heard.last).plain == "■ 8 of 13 backends take work"
    assert verdict(all_in(heard.last, "ready")).plain == "● 13 of 13 backends take work"
    assert verdict(all_in(heard.last, "unhealthy")).plain == "▲ nothing serves app, api, reports, postgres"


def test_what_an_operator_asked_for_is_no_trouble(heard: Heard) -> None:
    pool = heard.last.pools[2]
    kept = tuple(one for one in pool.backends if one.state != "starting")
    assert verdict(replace(heard.last, pools=(replace(pool, backends=kept),))).plain.startswith("● 1 of 3")


def all_in(statistics: Statistics, condition: BackendCondition) -> Statistics:
    pools = (
        replace(pool, backends=tuple(replace(one, state=condition) for one in pool.backends))
        for pool in statistics.pools
    )
    return replace(statistics, pools=tuple(pools))
