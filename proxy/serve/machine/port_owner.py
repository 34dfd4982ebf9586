"""Who listens on an address that is in use."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress
from proxy.serve.listeners import ListenError
from proxy.serve.machine.processes import holders
from proxy.serve.machine.sock_diag import listening_sockets

if TYPE_CHECKING:
    from proxy.core.address import Address


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
    """`nginx (pid 1234, user root)`; empty if it cannot be known."""
    try:
        inodes = {sock.inode for sock in listening_sockets() if _is_same(sock.address, address)}
    except OSError:
        return ""
    owners = {str(owner) for found in holders(inodes).values() for owner in found}
    return ", ".join(sorted(owners)[:3])


def _is_same(theirs: Address, ours: Address) -> bool:
    """Of TCP the same port: a wildcard is in the way of every host."""
    if isinstance(theirs, TcpAddress) and isinstance(ours, TcpAddress):
        return theirs.port == ours.port
    return theirs == ours
