"""The servers' ends of all connections on this machine: who is at the other end, and how much has come in."""

from __future__ import annotations

import ipaddress
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress
from proxy.serve.machine.port_sockets import CONNECTED
from proxy.serve.machine.sock_diag import UDIAG_SHOW_NAME, UNIX_DIAG_NAME, attributes, dump, listening_sockets

if TYPE_CHECKING:
    from collections.abc import Iterator

_UDIAG_SHOW_PEER, _UNIX_DIAG_PEER = 0x4, 2  # linux/unix_diag.h
_INET_DIAG_INFO = 2  # linux/inet_diag.h
_DATA_SEGS_IN = struct.Struct("=152xI")  # tcpi_data_segs_in of struct tcp_info, linux/tcp.h, since Linux 4.6

_INET_REQUEST = struct.Struct("=BBBxI48x")  # inet_diag_req_v2: family, protocol, extensions, states, any socket
_INET = struct.Struct("=4xHH16s16s28xI")  # inet_diag_msg: ports in network order, hosts, …, inode
_UNIX_REQUEST = struct.Struct("=BBxxIIIII")  # unix_diag_req: family, protocol, states, inode, show, cookie
_INODE = struct.Struct("=I")
_UNIX = struct.Struct("=BBBxIII")  # unix_diag_msg: family, type, state, inode, cookie


@dataclass(frozen=True, slots=True)
class ServerEnd:
    """peer: the client's end, as `ConnectionLoad.local` names it. segments: with data in them, that have come in; a
    small request is one. None for a Unix socket, which does not count."""

    inode: int
    peer: str
    segments: int | None = None


def server_ends() -> dict[int, ServerEnd]:
    """By inode, those that somebody has accepted and not closed, of our network namespace. 3 ms, and 5 us for each
    connection there is. Raises OSError where the kernel cannot be asked."""
    ports = {sock.address.port for sock in listening_sockets() if isinstance(sock.address, TcpAddress)}
    found = [*_tcp(socket.AF_INET, ports), *_tcp(socket.AF_INET6, ports), *_unix()]
    return {end.inode: end for end in found if end.inode}


def _tcp(family: socket.AddressFamily, ports: set[int]) -> Iterator[ServerEnd]:
    """A server's end has the port of whoever listens there."""
    request = _INET_REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (_INET_DIAG_INFO - 1), CONNECTED)
    for message in dump(request):
        ours, theirs, _, host, inode = _INET.unpack_from(message)
        if socket.ntohs(ours) in ports:
            info = dict(attributes(message[_INET.size :])).get(_INET_DIAG_INFO, b"")
            segments = _DATA_SEGS_IN.unpack_from(info)[0] if len(info) >= _DATA_SEGS_IN.size else None
            yield ServerEnd(inode, f"{_text(host, family)}:{socket.ntohs(theirs)}", segments)


def _text(raw: bytes, family: socket.AddressFamily) -> str:
    """As the client itself names its host: without the prefix that IPv4 has at an IPv6 socket."""
    if family == socket.AF_INET:
        return str(ipaddress.IPv4Address(raw[:4]))
    address = ipaddress.IPv6Address(raw)
    return str(address.ipv4_mapped or address)


def _unix() -> Iterator[ServerEnd]:
    """A server's end has the name of whoever listened there; its client has none, unless it took the trouble."""
    show = UDIAG_SHOW_NAME | _UDIAG_SHOW_PEER
    for message in dump(_UNIX_REQUEST.pack(socket.AF_UNIX, 0, CONNECTED, 0, show, 0, 0)):
        _, kind, _, inode, _, _ = _UNIX.unpack_from(message)
        told = dict(attributes(message[_UNIX.size :]))
        if kind == socket.SOCK_STREAM and told.get(UNIX_DIAG_NAME) and _UNIX_DIAG_PEER in told:
            yield ServerEnd(inode, f"inode {_INODE.unpack(told[_UNIX_DIAG_PEER])[0]}")
