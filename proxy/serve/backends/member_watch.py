"""The members of one backend, watched: who listens, and a probe of each, though the kernel chooses whom a probe meets.

A round makes probes until each member has answered one, or has shown that it does not: by an answer that was no good,
or by a queue that still holds a connection when a probe has waited for as long as probes may. Of n members some n ln n
probes meet all; who was not met after four times that many is not judged in this round.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import trio

from proxy.core.address import TcpAddress
from proxy.core.health.group import Group, Process
from proxy.serve.backends.group_tables import GroupTables
from proxy.serve.backends.probe import probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core.config import HealthCheck
    from proxy.core.health.group import Flip, MemberSocket
    from proxy.engine.tls.backend_tls import BackendTls
    from proxy.serve.control.controlled import Controlled
    from proxy.serve.control.controller import Controller

AT_ONCE = 4  # probes; more would fill the queue of a member that has stopped
SOMEBODY, NOBODY = 0, -1  # beside the inodes of members
ACCEPT_PAUSE = 0.005  # seconds between looks at who has accepted a connection that nothing is asked over


class MemberWatch:
    """group: what is known."""

    def __init__(self, controller: Controller, backend: Controlled) -> None:
        self._controller = controller
        self._backend = backend
        self.group = Group(backend.settings.members)
        self._tables: GroupTables | None = None

    async def look(self) -> None:
        """At the tables, and at processes of our own."""
        if self.group.expected != self._backend.settings.members:
            self.group.expect(self._backend.settings.members)
        self._take(self.group.looked(await self._sockets(), self._processes(), trio.current_time()))

    async def probe(self, check: HealthCheck, tls: BackendTls | None) -> str:
        """Why the group is not well: no member is; else "". What is wrong with one of several is told by the way."""
        self.group.fall = check.fall
        await self.look()
        tables, sockets = self._tables, self.group.sockets
        if tables is None or len(sockets) < 2 or not tables.are_holders_known:
            return await probe(self._backend.target, check, tls)
        one_round = _Round(self._backend, check, tls, tables, sockets)
        await one_round.run()
        self._take(self.group.probed(one_round.good, one_round.faults))
        return "" if one_round.is_any_good else one_round.last_fault

    async def _sockets(self) -> list[MemberSocket]:
        sockaddr = self._backend.target.sockaddr
        if not isinstance(self._backend.settings.address, TcpAddress) or not isinstance(sockaddr, tuple):
            return []
        if self._tables is None or self._tables.address != sockaddr:
            self._tables = GroupTables(*sockaddr[:2])
        try:
            return await trio.to_thread.run_sync(self._tables.look)
        except OSError:
            return []  # the kernel does not tell, and `rproxy doctor` says so

    def _processes(self) -> Sequence[Process]:
        managed = self._controller.managed
        running = managed.running.get(self._backend.key) if managed is not None else None
        if running is None or running.group is None:
            return ()
        told = running.group.statistics()
        return [Process(n, each.pid, each.starts, each.condition.value) for n, each in enumerate(told, 1)]

    def _take(self, flips: Sequence[Flip]) -> None:
        self._backend.members = self.group.statistics()
        for flip in flips:
            self._controller.note_member(self._backend, flip)


class _Round:
    """good: who answered well, faults: who did not, both by the inode of their listening sockets."""

    def __init__(
        self,
        backend: Controlled,
        check: HealthCheck,
        tls: BackendTls | None,
        tables: GroupTables,
        sockets: Sequence[MemberSocket],
    ) -> None:
        self._target = backend.target
        self._check = check
        self._tls = tls
        self._tables = tables
        self._members = {each.inode for each in sockets}
        self.good: set[int] = set()
        self.faults: dict[int, str] = {}
        self.is_any_good = False
        self.last_fault = ""
        self._is_somebody_silent = False

    async def run(self) -> None:
        count = len(self._members)
        left = 4 * math.ceil(count * (1 + math.log(count)))
        while left > 0 and not self._members <= self.good | self.faults.keys():
            async with trio.open_nursery() as nursery:
                for _ in range(min(AT_ONCE, left)):
                    nursery.start_soon(self._probe_one)
            left -= AT_ONCE
            if self._is_somebody_silent:
                await self._blame()
                return  # another wait would tell no more

    async def _probe_one(self) -> None:
        met: list[int] = []
        fault = await probe(self._target, self._check, self._tls, lambda sock: self._meet(sock, met))
        member = met[0] if met else NOBODY
        if not fault and not self._check.path and member is NOBODY:
            fault = f"not accepted within {self._check.timeout:g} s"
        if not fault:
            self.is_any_good = True
            self.good |= {member} & self._members
            return
        self.last_fault = fault
        if member in self._members:
            self.faults[member] = fault
        elif member is NOBODY:
            self._is_somebody_silent = True

    async def _meet(self, sock: trio.socket.SocketType, met: list[int]) -> None:
        """Who has the connection. Where nothing was asked over it, nobody may have had the time to accept it."""
        with trio.move_on_after(self._check.timeout):
            while not met:
                try:
                    found = await trio.to_thread.run_sync(self._tables.acceptor_of, sock.getsockname()[:2])
                except OSError:  # no connection any more, or no descriptor to ask with
                    return
                if found is not None:
                    met.append(found)
                elif sock.is_readable():  # an answer, or an end: whoever it was has let go of it by now
                    met.append(SOMEBODY)
                elif self._check.path:
                    return
                else:
                    await trio.sleep(ACCEPT_PAUSE)

    async def _blame(self) -> None:
        """A probe waited, and nobody had it: so it was in the queue of one who accepts nothing."""
        try:
            found = await trio.to_thread.run_sync(self._tables.look)
        except OSError:
            return
        for each in found:
            if each.waiting and each.inode in self._members - self.good:
                self.faults[each.inode] = f"{each.waiting} connections wait in its queue, and it accepts none"
