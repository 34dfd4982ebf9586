"""Whether a process serves yet, told by the kernel: a request to try would be somebody's job."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.core.address import parse_address
from proxy.serve.machine.processes import sockets_held_by
from proxy.serve.machine.sock_diag import listening_sockets

if TYPE_CHECKING:
    from collections.abc import Iterator


def holds_listener(pid: int, address: str) -> bool:
    """Whether it has a socket that listens there, its own or one that it was given."""
    return bool(sockets_held_by(pid) & _inodes(address))


def waits_for_clients(pid: int, address: str) -> bool:
    """Whether it has told an epoll to look at such a socket. One that accepts without an epoll never has."""
    inodes = _inodes(address)
    links = _links(pid)
    listeners = {number for number, link in links.items() if link.startswith("socket:[") and int(link[8:-1]) in inodes}
    return any(
        listeners & set(_watched(pid, number)) for number, link in links.items() if link == "anon_inode:[eventpoll]"
    )


def _inodes(address: str) -> set[int]:
    wanted = parse_address(address)
    return {sock.inode for sock in listening_sockets() if sock.address == wanted}


def _links(pid: int) -> dict[int, str]:
    """What its descriptors are; nothing of one that has ended."""
    found = {}
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                found[int(entry.name)] = os.readlink(entry.path)
    except OSError:
        pass  # closed meanwhile: the next look sees it
    return found


def _watched(pid: int, epoll: int) -> Iterator[int]:
    """The descriptors that it looks at (proc(5), fdinfo)."""
    try:
        lines = Path(f"/proc/{pid}/fdinfo/{epoll}").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        if line.startswith("tfd:"):
            yield int(line.split()[1])
