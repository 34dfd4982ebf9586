"""What a request asks of a server that has no room for all of `hello`: cpu, delay, block and size.

Without urllib, whose import would be a tenth of the life of a process per connection.
"""

from __future__ import annotations

import time
from typing import NamedTuple


class Work(NamedTuple):
    """cpu: to burn; delay: to sleep, to block is the same here; both in seconds. size: of the body instead of a report,
    in bytes."""

    cpu: float = 0.0
    delay: float = 0.0
    size: int | None = None

    def do(self) -> None:
        """Blocks for as long as it takes."""
        if self.delay:
            time.sleep(self.delay)
        end = time.process_time() + self.cpu
        while time.process_time() < end:
            pass


def work_of(target: str) -> Work:
    """target: of a request, `/path?cpu=0.1`. ValueError when a number is none; other names mean nothing."""
    values = dict(pair.split("=", 1) for pair in target.partition("?")[2].split("&") if "=" in pair)
    size = int(values["size"]) if "size" in values else None
    if size is not None and size < 0:
        raise ValueError("size is not negative")
    delay = float(values.get("delay", 0.0)) + float(values.get("block", 0.0))
    return Work(float(values.get("cpu", 0.0)), delay, size)
