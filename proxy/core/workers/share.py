"""What a process must know to share slots with others: which rows of the scoreboard stand for what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BackendName = tuple[str, str]  # pool, address


@dataclass(frozen=True, slots=True)
class Share:
    """Whole each time: a process goes by the last one it got.

    frontends, pools, backends: rows by name. limited: backends whose slots are counted by a semaphore.
    semaphores: for which of these the descriptors are that come with it, in their order. A process keeps those that it
    got before.
    """

    frontends: Mapping[str, int] = field(default_factory=dict)
    pools: Mapping[str, int] = field(default_factory=dict)
    backends: Mapping[BackendName, int] = field(default_factory=dict)
    limited: frozenset[BackendName] = frozenset()
    semaphores: tuple[BackendName, ...] = ()
