"""What a worker is told that a data plane in the supervisor's own process would not have to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.core.address import Address
    from proxy.core.config import Config
    from proxy.core.workers.share import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The first of all orders. With it go descriptors: the scoreboard, the semaphores of `share`, and a listening
    socket for each of `bound`.

    number: from 1, also of its column of the scoreboard. log_level: of the program's own log.
    """

    number: int
    config: Config
    share: Share
    bound: tuple[tuple[str, Address], ...]
    log_level: int


@dataclass(frozen=True, slots=True)
class Adopt:
    """Before a Reconfigure: the rows of its pools and backends. With it go descriptors: the semaphores of `share`."""

    share: Share
