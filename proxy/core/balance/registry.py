"""The names that a configuration may give to `balance`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.balance.least_connections import LeastConnections
from proxy.core.balance.random_weighted import RandomWeighted
from proxy.core.balance.round_robin import RoundRobin
from proxy.core.balance.two_choices import TwoChoices

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.balance import Policy

POLICIES: dict[str, Callable[[], Policy]] = {
    "round-robin": RoundRobin,
    "least-connections": LeastConnections,
    "random": RandomWeighted,
    "two-choices": TwoChoices,
}


def make_policy(name: str) -> Policy:
    """A new policy without backends; each pool has its own. Raises ValueError, naming the choices, for another name."""
    if name not in POLICIES:
        raise ValueError(f"no balancing policy {name!r}: one of {', '.join(POLICIES)}")
    return POLICIES[name]()
