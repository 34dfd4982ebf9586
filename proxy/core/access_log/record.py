"""What is known of an exchange or a TCP session that has ended: a plain tuple, made by the engine, read by formats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxy.core.client.peer import Peer
    from proxy.core.http.shapes import Shape

OK = "ok"
SWITCHED = 101  # the status of an exchange that became a tunnel
# A first line that looks like a request's. Anything else is not logged: who knows what stands there after a desync.
_REQUEST_LINE = re.compile(rb"(?:\r?\n)*([A-Z][A-Z-]{0,31}) ([*/]\S*|https?://\S*)(?: HTTP/(1\.[01]))?[ \r\n]")
_HOST = re.compile(rb"\nHost:[ \t]*([^\s]+)", re.IGNORECASE)
_USER = re.compile(rb"//[^/@]*@")


class Client:
    """The connection that a record belongs to. session: counted from 1. text: what the format made of it, kept for the
    other records of this connection."""

    __slots__ = ("peer", "session", "text")

    def __init__(self, session: int, peer: Peer) -> None:
        self.session = session
        self.peer = peer
        self.text = ""


class LoggedHead(Protocol):
    """What a format reads of a request head: `RequestHead`, or `SeenHead`. log_text: as `Client.text`; a head
    that is repeated is the same object, and the text of a request costs more than all the rest of its line.
    shape, own: as `RequestHead` has them; shape is None when `forward` tells other fields than the client did."""

    method: bytes
    target: bytes
    host: bytes | None
    forward: bytes
    own: bytes
    shape: Shape | None
    log_text: str

    @property
    def is_1_1(self) -> bool | None:
        """None: it did not say."""


class SeenHead:
    """Of a request that was refused before it was read: what its first bytes seem to say. method is b"" if nothing."""

    __slots__ = ("forward", "host", "is_1_1", "log_text", "method", "own", "shape", "target")

    def __init__(self, data: bytes) -> None:
        line = _REQUEST_LINE.match(data)
        host = _HOST.search(data) if line else None
        self.method = line[1] if line else b""
        self.target = _USER.sub(b"//", line[2]) if line else b""
        self.host: bytes | None = host[1] if host else None
        self.is_1_1 = line[3] == b"1.1" if line and line[3] else None
        self.forward = self.own = b""
        self.shape: Shape | None = None
        self.log_text = ""


# When it reached each step, on the reactor's clock; 0.0 for those it did not reach: began, read, picked, dialled,
# written, answered, ended.
Marks = Sequence[float]

# pool, backend (the last one tried), tries, whether over a connection that had been used before, status (0 in TCP
# mode), status of the backend's answer (0 without one), reason. There are few that differ, so that formats keep the
# text of each.
Outcome = tuple[str, str, int, bool, int, int, str]


class Usual(tuple[str, str, int, bool, int, int, str]):
    """An outcome that is one object for all that end so: found by which it is, 0.2 us sooner than by what is in it."""

    __slots__ = ()
    __hash__ = object.__hash__  # two of the same may stand in one dictionary, and nobody minds


# client, number of the exchange on its connection (0 in TCP mode), head (None in TCP mode), marks, outcome, bytes from
# the client, bytes to the client. Plain, because an exchange waits for it to be made: 0.1 us, a NamedTuple 0.7.
Record = tuple[Client, int, LoggedHead | None, Marks, Outcome, int, int]

# Microseconds, whole so that they add up: read, pick, dial, write, answer, body (or tunnel), total.
Phases = tuple[int, int, int, int, int, int, int]


def is_good(outcome: Outcome) -> bool:
    """Neither we nor the application failed."""
    return outcome[6] == OK and outcome[4] < 500


def phases(marks: Marks) -> Phases:
    """What each step took. The one in which it ended has all time to the end."""
    began, _, _, _, written, answered, ended = marks
    total = int((ended - began) * 1e6 + 0.5)
    if written == began and answered:  # nobody was waited for before the backend: nearly always
        answer = int((answered - began) * 1e6 + 0.5)
        return 0, 0, 0, 0, answer, total - answer, total
    spans = [0, 0, 0, 0, 0, 0]
    last = reached = 0
    for step in range(1, 6):
        if mark := marks[step]:
            now = int((mark - began) * 1e6 + 0.5)
            spans[step - 1] = now - last
            last, reached = now, step
    spans[reached] += total - last
    return (*spans, total)  # type: ignore[return-value]
