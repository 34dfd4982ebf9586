"""A group as the kernel's tables show it: its listening sockets, who holds them, what waits there, who is connected."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from proxy.core.group import MemberSocket
from proxy.serve.port_sockets import listening_for, sockets_of_port
from proxy.serve.processes import holders, sockets_held_by

if TYPE_CHECKING:
    from proxy.serve.port_sockets import PortSocket

MOST_COUNTED = 2000  # connections of a group that are told apart by member: 2 us each, in /proc


class GroupTables:
    """For one address of this machine. Blocks for milliseconds: to be asked in a thread."""

    def __init__(self, host: str, port: int) -> None:
        self.address = (host, port)
        self._pids: dict[int, tuple[int, ...]] = {}  # by listening inode

    def look(self) -> list[MemberSocket]:
        """The group's sockets, by inode. Raises OSError where the kernel does not tell."""
        host, port = self.address
        sockets = sockets_of_port(port)
        listening = listening_for(sockets, host)
        self._learn([each.inode for each in listening])
        connected = [each for each in sockets if not each.is_listening and each.inode]
        counts = self._count(connected) if len(connected) <= MOST_COUNTED else None
        return [
            MemberSocket(
                each.inode,
                self._pids[each.inode],
                each.waiting,
                None if counts is None else sum(counts.get(pid, 0) for pid in self._pids[each.inode]),
            )
            for each in sorted(listening, key=lambda each: each.inode)
        ]

    def _learn(self, inodes: list[int]) -> None:
        """Who holds these; all of /proc is walked only for one that is new, or whose holders have ended."""
        if all(any(map(_is_there, self._pids.get(inode, ()))) for inode in inodes):
            return
        found = holders(inodes)
        self._pids = {inode: tuple(process.pid for process in found.get(inode, ())) for inode in inodes}

    def _count(self, connected: list[PortSocket]) -> dict[int, int]:
        """Connections by pid, of those that hold a listening socket. A holder whose parent holds one too has forked:
        both are counted with it."""
        inodes = {each.inode for each in connected}
        pids = {pid for holding in self._pids.values() for pid in holding}
        return {pid: len(inodes & sockets_held_by(pid)) for pid in pids}

    def acceptor_of(self, client: tuple[str, int]) -> int | None:
        """The listening inode of the member that has accepted a connection from this address; None while it waits in a
        queue, or where nobody may know who has it."""
        inode = next((each.inode for each in sockets_of_port(self.address[1]) if each.peer == client), 0)
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
