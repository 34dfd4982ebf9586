"""A group as the kernel's tables show it: its listening sockets, who holds them, what waits there, who is connected."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from proxy.core.health.group import MemberSocket
from proxy.serve.machine.port_sockets import connected_to, inode_of, listening_for, listening_on
from proxy.serve.machine.processes import holders, sockets_held_by

if TYPE_CHECKING:
    from proxy.serve.machine.port_sockets import PortSocket

COUNT_EACH = 5  # looks, of which one counts connections as well: that takes the kernel 5 ms, the others 0.1
MOST_COUNTED = 2000  # connections of a group that are told apart by member: 2 us each, in /proc


class GroupTables:
    """For one address of this machine. Blocks for milliseconds: to be asked in threads, and by several if need be."""

    def __init__(self, host: str, port: int) -> None:
        self.address = (host, port)
        self._pids: dict[int, tuple[int, ...]] = {}  # by listening inode
        self._looks = 0
        self._counts: dict[int, int] | None = None  # connections by pid, as of the last count

    def look(self) -> list[MemberSocket]:
        """The group's sockets, by inode. Raises OSError where the kernel does not tell."""
        host, port = self.address
        listening = listening_for(listening_on(port), host)
        pids = self._learn([each.inode for each in listening])
        if self._looks % COUNT_EACH == 0 and listening:
            self._counts = self._count(listening[0], pids)
        self._looks += 1
        counts = self._counts

        def connections(inode: int) -> int | None:
            """Of all who hold that socket: whoever forked behind it shares the work of it."""
            return None if counts is None else sum(counts.get(pid, 0) for pid in pids[inode])

        return [
            MemberSocket(each.inode, pids[each.inode], each.waiting, connections(each.inode))
            for each in sorted(listening, key=lambda each: each.inode)
        ]

    def _learn(self, inodes: list[int]) -> dict[int, tuple[int, ...]]:
        """Who holds these; all of /proc is walked only for one that is new, or whose holders have ended."""
        known = self._pids
        if not all(any(map(_is_there, known.get(inode, ()))) for inode in inodes):
            found = holders(inodes)
            known = {inode: tuple(process.pid for process in found.get(inode, ())) for inode in inodes}
            self._looks = 0  # the newcomer's are to be counted too
        self._pids = known = {inode: known[inode] for inode in inodes}
        return known

    def _count(self, listening: PortSocket, known: dict[int, tuple[int, ...]]) -> dict[int, int] | None:
        """Connections by pid; None if there are too many."""
        inodes = {each.inode for each in connected_to(self.address[1], listening.family)} - {0}
        if len(inodes) > MOST_COUNTED:
            return None
        pids = {pid for holding in known.values() for pid in holding}
        return {pid: len(inodes & sockets_held_by(pid)) for pid in pids}

    def acceptor_of(self, client: tuple[str, int]) -> int | None:
        """The listening inode of the member that has accepted a connection from this address; None while it waits in a
        queue, or where nobody may know who has it."""
        inode = inode_of(self.address, client)
        if not inode:
            return None
        return next(
            (listening for listening, pids in self._pids.items() if any(inode in sockets_held_by(pid) for pid in pids)),
            None,
        )

    @property
    def are_holders_known(self) -> bool:
        return all(self._pids.values())


def _is_there(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")
