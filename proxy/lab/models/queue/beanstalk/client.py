"""One connection, as the store knows it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.lab.models.queue.beanstalk.tube import Job, Tube


class Client:
    """used: where it puts. watched: what it takes from. held: what it has reserved. waits_until: while it waits for a
    job, when it gives up. given: told of a job that it waited for; refused: told the word for why there is none."""

    def __init__(self, default: Tube, given: Callable[[Job], None], refused: Callable[[bytes], None]) -> None:
        self.used = default
        self.watched = {default.name: default}
        self.held: dict[int, Job] = {}
        self.is_waiting = False
        self.waits_until = math.inf
        self.is_producer = self.is_worker = False
        self.given, self.refused = given, refused

    def first_deadline(self) -> float:
        """When the first of what it holds has been held for too long."""
        return min((job.due for job in self.held.values()), default=math.inf)

    def wait(self, until: float) -> None:
        self.is_waiting, self.waits_until = True, until
        for tube in self.watched.values():
            tube.waiting[self] = None

    def end_waiting(self) -> None:
        self.is_waiting = False
        for tube in self.watched.values():
            tube.waiting.pop(self, None)
