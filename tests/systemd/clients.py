"""Clients that open a connection for each request, all the time, and count what fails and what takes longest."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.processes import request, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = 3
PAUSE = 0.002  # seconds between two requests of a client: load, but not on all of a machine of two processors


@dataclass
class Clients:
    """done: answers with status 200. failed: what happened instead, a line each. slowest: seconds."""

    address: str
    done: int = 0
    failed: list[str] = field(default_factory=list)
    slowest: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def serve_more(self, count: int = 20) -> None:
        """Waits until so many more were answered."""
        end = self.done + count
        wait_until(lambda: self.done >= end, 30.0)

    def _run(self) -> None:
        while not self._stop.wait(PAUSE):
            start = time.monotonic()
            try:
                answer = request(self.address)
                if answer.status == 200:
                    self.done += 1
                else:
                    self.failed.append(f"status {answer.status}: {answer.body[:100]!r}")
            except Exception as error:  # noqa: BLE001 - whatever it is, it failed
                self.failed.append(repr(error))
            self.slowest = max(self.slowest, time.monotonic() - start)


@contextlib.contextmanager
def clients(address: str) -> Iterator[Clients]:
    """All are through with their last requests behind the block."""
    load = Clients(address)
    threads = [threading.Thread(target=load._run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        load.serve_more()
        yield load
        load.serve_more()
    finally:
        load._stop.set()
        for thread in threads:
            thread.join()
