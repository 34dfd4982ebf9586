"""When a dead process is started again, when that is worth a line in the log, and what its command looks like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from proxy.core.address import Address


class Condition(Enum):
    """UP until a death; then RESTARTING until it stayed up, or FAILING when it died too often. It is tried for ever."""

    UP = "up"
    RESTARTING = "restarting"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Seconds, and how many quick deaths in a row make a process FAILING. A death is quick before `stable_after`.
    free_deaths: as many in a row cost no pause.

    The pause doubles from `first_pause` to `longest_pause` and then stays there: giving up for good, as systemd does
    after five starts in ten seconds, leaves a service down for ever because its database came up late once.
    """

    free_deaths: int = 0
    first_pause: float = 0.1
    longest_pause: float = 5.0
    stable_after: float = 10.0
    failing_after: int = 5

    def pause_after(self, quick_deaths: int) -> float:
        """quick_deaths: in a row, this one included; at least 1."""
        if quick_deaths <= self.free_deaths:
            return 0.0
        doublings = min(
            quick_deaths - self.free_deaths - 1, 60
        )  # 2.0 ** 1024 overflows, and a process may die that often
        return min(self.first_pause * 2.0**doublings, self.longest_pause)


DEFAULT_POLICY = RestartPolicy()


class Restarts:
    """The history of one process. `now` is any clock that does not go back.

    `died` and `stayed_up` return the condition when it changed, else None: what is logged once.
    """

    def __init__(self, policy: RestartPolicy, now: float) -> None:
        self._policy = policy
        self._quick_deaths = 0
        self._started_at = now
        self.condition = Condition.UP
        self.starts = 0

    @property
    def pause(self) -> float:
        """Seconds to wait before the next start."""
        return self._policy.pause_after(max(self._quick_deaths, 1))

    @property
    def stable_at(self) -> float:
        """When a process that is still running has stayed up."""
        return self._started_at + self._policy.stable_after

    def started(self, now: float) -> None:
        self._started_at = now
        self.starts += 1

    def died(self, now: float) -> Condition | None:
        self._quick_deaths = 1 if now >= self.stable_at else self._quick_deaths + 1
        is_failing = self._quick_deaths >= self._policy.failing_after
        return self._turn(Condition.FAILING if is_failing else Condition.RESTARTING)

    def stayed_up(self) -> Condition | None:
        self._quick_deaths = 0
        return self._turn(Condition.UP)

    def _turn(self, condition: Condition) -> Condition | None:
        if condition is self.condition:
            return None
        self.condition = condition
        return condition


class PlaceholderError(ValueError):
    """A command with a placeholder that has no meaning here; the message says which have one."""


_PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}|\{([a-z_]+)\}")


def expand_command(command: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Replaces {name} in every argument; {{name}} stands for the text {name}. Other braces, as in JSON, stay.

    Raises PlaceholderError.
    """

    def replacement(match: re.Match[str]) -> str:
        literal, name = match.groups()
        if literal:
            return f"{{{literal}}}"
        if name not in values:
            known = ", ".join(f"{{{key}}}" for key in values)
            raise PlaceholderError(f"{match[0]} means nothing in this command; known here: {known}")
        return values[name]

    return tuple(_PLACEHOLDER.sub(replacement, argument) for argument in command)


def placeholder_values(pool: str, address: Address, member: int) -> dict[str, str]:
    """What a command may name: {host} and {port} for TCP only, {socket} for a Unix socket; members count from 1."""
    common = {"address": str(address), "pool": pool, "member": str(member)}
    if isinstance(address, TcpAddress):
        return common | {"host": address.host, "port": str(address.port)}
    return common | {"socket": address.path}
