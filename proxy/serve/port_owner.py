"""Who listens on an address that is in use: found in /proc, where that can be read."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress
from proxy.serve.listeners import ListenError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.address import Address

_LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp


def explain(error: BaseException) -> str:
    """Why a ListenError came about, with what an operator would look for next."""
    assert isinstance(error, ListenError)
    text = str(error)
    if error.error.errno == errno.EADDRINUSE and (owner := owner_of(error.address)):
        text += f", by {owner}"
    if error.error.errno == errno.EACCES:
        text += "; a port under 1024 needs root, CAP_NET_BIND_SERVICE or net.ipv4.ip_unprivileged_port_start"
    return text


def owner_of(address: Address) -> str:
    """`nginx (pid 1234)`; empty if it cannot be known."""
    try:
        inodes = set(_tcp_inodes(address.port) if isinstance(address, TcpAddress) else _unix_inodes(address.path))
    except OSError:
        return ""
    owners = sorted({owner for inode in inodes for owner in _holders(inode)})
    return ", ".join(owners[:3])


def _tcp_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                yield columns[9]


def _unix_inodes(path: str) -> Iterator[str]:
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        columns = line.split()
        if len(columns) == 8 and columns[7] == path:
            yield columns[6]


def _holders(inode: str) -> Iterator[str]:
    wanted = f"socket:[{inode}]"
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if any(os.readlink(entry.path) == wanted for entry in os.scandir(f"/proc/{pid}/fd")):
                yield f"{Path(f'/proc/{pid}/comm').read_text().strip()} (pid {pid})"
        except OSError:
            continue  # ended meanwhile, or another user's
