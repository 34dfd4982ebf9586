"""Both queue servers, started as the lab does it."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from tests.clients.support import program, short_directory
from tests.processes import start_process, wait_listening

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = ("embedded", "beanstalkd")
LARGEST = 100_000


@contextlib.contextmanager
def queue_server(which: str) -> Iterator[str]:
    """The path of its socket."""
    command = (
        [sys.executable, "-m", "proxy.lab.models.queue.beanstalk"] if which == "embedded" else [program("beanstalkd")]
    )
    with short_directory() as directory:
        path = str(directory / "queue.sock")
        with start_process([*command, "-l", f"unix:{path}", "-z", str(LARGEST)]) as process:
            wait_listening(f"unix:{path}", process=process)
            yield path
