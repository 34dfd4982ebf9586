"""The members of a SO_REUSEPORT group, or of a backend that we start: who they are, who is missing, who is stuck.

The kernel gives each new connection to one member's socket, whatever becomes of it there. So a probe meets one member
only, and a member that stopped accepting keeps getting its share. What the kernel's tables say and what probes met are
put together here. No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.core.statistics import MemberStatistics

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence


ABSENCES = 2  # looks in a row that find nobody, where a restart may be under way
PATIENCE = 5.0  # seconds that a process of our own may take from its start until it listens


@dataclass(frozen=True, slots=True)
class MemberSocket:
    """A listening socket of the group. pids: who holds it, as far as may be known; the last one is who accepts, where
    a parent made it. waiting: connections that nobody has accepted. connections: that its holders have, None where
    that was not counted."""

    inode: int
    pids: tuple[int, ...] = ()
    waiting: int = 0
    connections: int | None = None

    @property
    def pid(self) -> int | None:
        return self.pids[-1] if self.pids else None


@dataclass(frozen=True, slots=True)
class Process:
    """One that we start, as its supervisor knows it. number: from 1 on. pid: None between two."""

    number: int
    pid: int | None
    starts: int
    condition: str


@dataclass(frozen=True, slots=True)
class Flip:
    """A change worth a word. text: begins with the member."""

    is_good: bool
    text: str


class Seat:
    """A place for a member. pid: of whoever had it last. fault: of the probes in a row that it failed, streak. absent:
    looks in a row that found it empty. starts, started_at, condition: of our own process, if it is one."""

    __slots__ = ("absent", "condition", "fault", "number", "pid", "socket", "started_at", "starts", "streak", "was_bad")

    def __init__(self, number: int) -> None:
        self.number = number
        self.socket: MemberSocket | None = None
        self.pid: int | None = None
        self.starts = 0
        self.started_at = 0.0
        self.condition = "up"
        self.absent = 0
        self.streak = 0
        self.fault = ""
        self.was_bad = False

    def __str__(self) -> str:
        return f"member {self.number}" + (f" (pid {self.pid})" if self.pid is not None else "")


class Group:
    """expected: members that there should be. fall: probes in a row that a member may fail."""

    def __init__(self, expected: int, fall: int = 3) -> None:
        self.expected = expected
        self.fall = fall
        self._seats = [Seat(number) for number in range(1, expected + 1)]
        self._is_known = False  # its sockets were in the tables of this machine once

    def expect(self, members: int) -> None:
        """As a reload has it. Who is there stays in its seat."""
        self.expected = members
        known = {seat.number: seat for seat in self._seats}
        kept = [known.pop(number) if number in known else Seat(number) for number in range(1, members + 1)]
        self._seats = [*kept, *known.values()]

    @property
    def sockets(self) -> list[MemberSocket]:
        """Of those that listen, as of the last look."""
        return [seat.socket for seat in self._seats if seat.socket is not None]

    def looked(
        self, sockets: Sequence[MemberSocket], processes: Sequence[Process] = (), now: float = 0.0
    ) -> list[Flip]:
        """What the tables say now: sockets keep their seats. processes: ours, each with the seat of its number.
        now: seconds of any clock."""
        self._is_known = self._is_known or bool(sockets)
        self._know(processes, now)
        left = {socket.inode: socket for socket in sockets}
        for seat in self._seats:
            seat.socket = left.pop(seat.socket.inode, None) if seat.socket is not None else None
        for socket in left.values():
            self._seat_for(socket, processes).socket = socket
        for seat in self._seats:
            if seat.socket is None:
                seat.streak = 0
                seat.absent += not seat.starts or now - seat.started_at > PATIENCE
            else:
                seat.absent = 0
                seat.pid = seat.socket.pid or seat.pid
        self._seats = [seat for seat in self._seats if seat.number <= self.expected or seat.socket is not None]
        return list(self._flips())

    def _know(self, processes: Sequence[Process], now: float) -> None:
        for process in processes:
            if process.number <= len(self._seats):
                seat = self._seats[process.number - 1]
                if seat.starts != process.starts:
                    seat.started_at, seat.absent = now, 0
                seat.starts, seat.condition = process.starts, process.condition
                if process.pid is not None:
                    seat.pid = process.pid

    def _seat_for(self, socket: MemberSocket, processes: Sequence[Process]) -> Seat:
        """That of its process, or the first that is free, or one more."""
        for process in processes:
            if process.pid in socket.pids and process.number <= len(self._seats):
                seat = self._seats[process.number - 1]
                if seat.socket is None:
                    return seat
        free = next((seat for seat in self._seats if seat.socket is None), None)
        if free is None:
            free = Seat(self._seats[-1].number + 1)
            self._seats.append(free)
        return free

    def probed(self, good: Collection[int], faults: Mapping[int, str]) -> list[Flip]:
        """What a round of probes met, by the inodes of the listening sockets. Who was not met is left as it was."""
        for seat in self._seats:
            inode = seat.socket.inode if seat.socket is not None else 0
            if inode in good:
                seat.streak = 0
            elif inode in faults:
                seat.streak += 1
                seat.fault = faults[inode]
        return list(self._flips())

    def _flips(self) -> Iterator[Flip]:
        """Each change of a seat once."""
        for seat in self._seats:
            state = self._state(seat)
            is_bad = state in ("missing", "stuck")
            if is_bad is not seat.was_bad:
                seat.was_bad = is_bad
                yield Flip(not is_bad, f"{seat} {self._words(seat, state)}")

    def _words(self, seat: Seat, state: str) -> str:
        if state == "stuck":
            return f"is stuck: {seat.fault}"
        return "is missing: it does not listen" if state == "missing" else "is well again"

    def _state(self, seat: Seat) -> str:
        if seat.socket is not None:
            return "stuck" if seat.streak >= self.fall else "running"
        if seat.condition != "up":
            return seat.condition  # whoever starts it says so already
        if self._is_known and self.expected > 1:
            return "missing" if seat.absent >= ABSENCES else "starting"
        return "running" if seat.pid else "starting"

    @property
    def is_wavering(self) -> bool:
        """A member failed its last probe and is not known to be stuck yet."""
        return any(0 < seat.streak < self.fall for seat in self._seats)

    def statistics(self) -> tuple[MemberStatistics, ...]:
        """Nothing of a group of which nothing is known: it is on another machine, or behind a container's network."""
        if not self._is_known and not any(seat.starts for seat in self._seats):
            return ()
        return tuple(
            MemberStatistics(
                number=seat.number,
                pid=seat.pid,
                state=self._state(seat),
                starts=seat.starts,
                connections=seat.socket.connections if seat.socket is not None else None,
            )
            for seat in self._seats
        )
