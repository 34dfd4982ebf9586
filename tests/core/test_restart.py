from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.restart import (
    Condition,
    PlaceholderError,
    RestartPolicy,
    Restarts,
    expand_command,
    placeholder_values,
)

POLICY = RestartPolicy(first_pause=0.1, longest_pause=5.0, stable_after=10.0, failing_after=3)


def die_after(restarts: Restarts, now: float, uptime: float) -> Condition | None:
    restarts.started(now)
    return restarts.died(now + uptime)


def test_pause_doubles_to_its_cap() -> None:
    pauses = [POLICY.pause_after(deaths) for deaths in range(1, 9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_the_first_deaths_may_cost_no_pause() -> None:
    policy = RestartPolicy(free_deaths=2, first_pause=0.1)
    assert [policy.pause_after(deaths) for deaths in range(1, 6)] == [0.0, 0.0, 0.1, 0.2, 0.4]


@given(st.integers(1, 10**9))
def test_pause_stays_within_bounds_for_ever(deaths: int) -> None:
    assert POLICY.first_pause <= POLICY.pause_after(deaths) <= POLICY.longest_pause


def test_pause_follows_quick_deaths_and_starts_over_after_a_long_life() -> None:
    restarts = Restarts(POLICY, 0.0)
    pauses = []
    for uptime in (1.0, 1.0, 9.9, 10.0, 0.0):
        die_after(restarts, 0.0, uptime)
        pauses.append(restarts.pause)
    assert pauses == [0.1, 0.2, 0.4, 0.1, 0.2]


def test_each_change_of_condition_is_told_once() -> None:
    restarts = Restarts(POLICY, 0.0)
    assert restarts.condition is Condition.UP
    told = [die_after(restarts, 0.0, 1.0) for _ in range(6)]
    assert told == [Condition.RESTARTING, None, Condition.FAILING, None, None, None]
    assert restarts.stayed_up() is Condition.UP
    assert restarts.stayed_up() is None
    assert restarts.starts == 6


def test_no_number_of_deaths_ends_the_tries() -> None:
    restarts = Restarts(POLICY, 0.0)
    for _ in range(5000):
        die_after(restarts, 0.0, 0.0)
    assert restarts.pause == POLICY.longest_pause


def test_staying_up_forgets_earlier_deaths() -> None:
    restarts = Restarts(POLICY, 0.0)
    for _ in range(5):
        die_after(restarts, 0.0, 0.0)
    restarts.started(100.0)
    assert restarts.stable_at == 110.0
    restarts.stayed_up()
    assert restarts.died(200.0) is Condition.RESTARTING
    assert restarts.pause == POLICY.first_pause


@given(st.lists(st.floats(0, 100)))
def test_failing_means_that_many_quick_deaths_in_a_row(uptimes: list[float]) -> None:
    restarts = Restarts(POLICY, 0.0)
    in_a_row = 0
    for uptime in uptimes:
        in_a_row = in_a_row + 1 if uptime < POLICY.stable_after else 1
        die_after(restarts, 0.0, uptime)
        assert (restarts.condition is Condition.FAILING) == (in_a_row >= POLICY.failing_after)


TCP = placeholder_values("app", TcpAddress("::1", 9100), 2)
UNIX = placeholder_values("app", UnixAddress("/run/a.sock"), 1)


@pytest.mark.parametrize(
    ("values", "argument", "expected"),
    [
        (TCP, "{address}", "[::1]:9100"),
        (TCP, "--bind={host}:{port}", "--bind=::1:9100"),
        (TCP, "{pool}-{member}", "app-2"),
        (UNIX, "{address}", "unix:/run/a.sock"),
        (UNIX, "{socket}", "/run/a.sock"),
        (TCP, "{{port}}", "{port}"),
        (TCP, '{"a": {"b": 1}}', '{"a": {"b": 1}}'),
        (TCP, "{}{0}{A}", "{}{0}{A}"),
    ],
)
def test_placeholders(values: dict[str, str], argument: str, expected: str) -> None:
    assert expand_command((argument, "{pool}"), values) == (expected, "app")


@pytest.mark.parametrize(("values", "argument"), [(TCP, "{socket}"), (UNIX, "{port}"), (TCP, "{adress}")])
def test_placeholder_without_a_meaning(values: dict[str, str], argument: str) -> None:
    with pytest.raises(PlaceholderError, match=r"means nothing in this command; known here: \{address\}"):
        expand_command((argument,), values)


def test_values_are_not_expanded_again() -> None:
    assert expand_command(("{pool}",), {"pool": "{port}", "port": "1"}) == ("{port}",)
