"""The TCP sockets of one port on this machine, those that listen and those that are connected: over netlink.

What listens costs 0.1 ms to know, and one connection 20 us; all connections of a port cost 4 ms even if there is none,
because the kernel looks through its whole table of connections (262,144 places on the machine where that was measured).
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.serve.machine.sock_diag import TCP_LISTEN, ask, dump

if TYPE_CHECKING:
    from collections.abc import Iterator

TCP_ESTABLISHED = 1  # include/net/tcp_states.h
TCP_CLOSE_WAIT = 8
CONNECTED = 1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT

# inet_diag_req_v2: family, protocol, extensions, states; then the socket asked for: ports, hosts, interface, cookie.
_REQUEST = struct.Struct("=BBBxI2s2s16s16sIII")
_MESSAGE = struct.Struct("=BBxx2s2s16s16s12x4xIIII")  # inet_diag_msg: … ports, hosts, rqueue, wqueue, uid, inode
_NO_COOKIE = 0xFFFFFFFF  # INET_DIAG_NOCOOKIE

Name = tuple[str, int]


@dataclass(frozen=True, slots=True)
class PortSocket:
    """host: its own, as text without a v4-mapped prefix. waiting: connections in the queue of a listening one.
    inode: 0 for a connection that nobody has accepted yet."""

    family: socket.AddressFamily
    host: str
    waiting: int
    inode: int


def listening_on(port: int) -> list[PortSocket]:
    """Raises OSError as `listening_sockets` does."""
    families = (socket.AF_INET, socket.AF_INET6)
    return [found for family in families for found in _dump(family, port, 1 << TCP_LISTEN)]


def connected_to(port: int, family: socket.AddressFamily) -> list[PortSocket]:
    """The connections that were made to sockets of this family listening on it. Raises OSError."""
    return list(_dump(family, port, CONNECTED))


def inode_of(server: Name, client: Name) -> int:
    """Of the server's end of a connection; 0 where it has none yet, or is not there. Raises OSError."""
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    message = ask(_request(family, CONNECTED, server, client))
    if message is None:
        return 0
    _, state, *_, inode = _MESSAGE.unpack_from(message)
    return int(inode) if state != TCP_LISTEN else 0  # the kernel answers with who listens when nothing is connected


def _dump(family: socket.AddressFamily, port: int, states: int) -> Iterator[PortSocket]:
    """The kernel leaves out sockets of other ports."""
    for message in dump(_request(family, states, ("", port))):
        _, state, _, _, host, _, waiting, _, _, inode = _MESSAGE.unpack_from(message)
        yield PortSocket(family, _text(host, family), waiting if state == TCP_LISTEN else 0, inode)


def _request(family: socket.AddressFamily, states: int, ours: Name, theirs: Name = ("", 0)) -> bytes:
    ports = (port.to_bytes(2, "big") for port in (ours[1], theirs[1]))
    hosts = (ipaddress.ip_address(host).packed if host else b"" for host in (ours[0], theirs[0]))
    return _REQUEST.pack(family, socket.IPPROTO_TCP, 0, states, *ports, *hosts, 0, _NO_COOKIE, _NO_COOKIE)


def _text(raw: bytes, family: socket.AddressFamily) -> str:
    if family == socket.AF_INET:
        return str(ipaddress.IPv4Address(raw[:4]))
    address = ipaddress.IPv6Address(raw)
    return str(address.ipv4_mapped or address)


def listening_for(listening: list[PortSocket], host: str) -> list[PortSocket]:
    """Those among which the kernel chooses for a connection to this host: the ones bound to it, or else to any.

    A wildcard of IPv6 counts for IPv4 too: one that takes no IPv4 is not told apart here, and shares its port with
    nobody of the group.
    """
    for wanted in ({host}, {"0.0.0.0"} if ":" not in host else {"::"}, {"::"}):
        if found := [each for each in listening if each.host in wanted]:
            return found
    return []
