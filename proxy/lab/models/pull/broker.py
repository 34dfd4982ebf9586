"""What a gateway and a worker need of whatever is between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

LARGEST = 16 << 20  # bytes of a request or response; beyond it the gateway answers 413, a worker 502
ENVELOPE = 100  # bytes that a job may have beside them
TIMEOUT = 30.0  # seconds until the gateway answers 504


@dataclass(frozen=True, slots=True)
class Job:
    """number: of the request. deadline: on `time.monotonic`, which all processes of a machine share: nobody waits for
    the answer any more. ticket: the broker's own."""

    number: int
    deadline: float
    request: bytes
    ticket: int


class Post(Protocol):
    """The gateway's side, on a reactor."""

    def put(self, number: int, request: bytes, deadline: float) -> None:
        """What becomes of it is told to `answered`, or nothing is."""


class Source(Protocol):
    """A worker's side, in Trio: one job at a time."""

    async def take(self) -> Job:
        """The next one, whenever it comes. When it is cancelled, only `leave` may follow. Raises BrokerGone."""

    def give(self, job: Job, response: bytes) -> None:
        """The answer, and that the job is done: both go with the next `take` or `leave`."""

    async def leave(self) -> None:
        """What was given is given, and a job that came too late is somebody else's. Closes. Raises BrokerGone."""


class BrokerGone(Exception):
    """The connection to the broker has ended, or it answered what it never should; the message says it."""
