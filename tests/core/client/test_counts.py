"""Connections counted by client: who is one client, and that the counts come back to nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.client.counts import ClientCounts, client_of

HOSTS = ["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("2001:db8::1", "2001:0db8:0:0:0:0:0:1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_who_is_one_client(one: str, other: str, is_same: bool) -> None:
    assert (client_of(one) == client_of(other)) is is_same


def test_the_limit_is_of_each_client() -> None:
    counts = ClientCounts(2)
    first = counts.enter("192.0.2.1")
    assert first
    assert counts.enter("192.0.2.1")
    assert counts.enter("192.0.2.1") == ""
    assert counts.enter("192.0.2.2")
    counts.leave(first)
    assert counts.enter("192.0.2.1")


@given(st.integers(1, 4), st.lists(st.tuples(st.sampled_from(HOSTS), st.booleans(), st.integers(0, 100))))
def test_counts_are_exact_and_come_back_to_nothing(limit: int, steps: list[tuple[str, bool, int]]) -> None:
    """Of each step: an address, whether it comes or one of those inside leaves, and which."""
    counts = ClientCounts(limit)
    inside: list[str] = []
    for host, comes, which in steps:
        if comes:
            entered = counts.enter(host)
            assert bool(entered) is (inside.count(client_of(host)) < limit)
            inside += [entered] if entered else []
        elif inside:
            counts.leave(inside.pop(which % len(inside)))
        assert len(counts) == len(set(inside))
    for client in inside:
        counts.leave(client)
    assert len(counts) == 0
