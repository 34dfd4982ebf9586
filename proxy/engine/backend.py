"""A backend that can be dialled, and the idle connections kept to it."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections import Counter
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.errors import ConnectFailed, ConnectTimeout, NoRoom
from proxy.core.keep_alive import IdleLife
from proxy.core.pool import UNLIMITED, Backend

if TYPE_CHECKING:
    from proxy.core.access_log.record import Usual
    from proxy.core.address import Address
    from proxy.core.client.peer import Peer
    from proxy.engine.http.connection import BackendConnection
    from proxy.engine.tls.backend_tls import BackendTls

# Of n members, k connections for each leave one out with a chance of about n * exp(-k): 0.1 % for three.
CONNECTIONS_PER_MEMBER = 8
_STREAM = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
_REASONS = {
    errno.ECONNREFUSED: "connect-refused",
    errno.ENOENT: "no-such-socket",
    errno.EACCES: "permission-denied",
    errno.EAGAIN: "backlog-full",  # a Unix socket whose queue is full refuses at once (unix(7)), where TCP would wait
    errno.EMFILE: "no-descriptors",
    errno.ENFILE: "no-descriptors",
    errno.EADDRNOTAVAIL: "no-local-port",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
}


_NO_ROOM = {errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}


def connect_failed(error: OSError, backend: Backend) -> ConnectFailed:
    """The reason code for what the kernel said."""
    reason = _REASONS.get(error.errno or 0, "connect-failed")
    if error.errno == errno.ETIMEDOUT:
        return ConnectTimeout(detail=str(error), backend=backend.name)
    kind = NoRoom if error.errno in _NO_ROOM else ConnectFailed
    return kind(reason, error.strerror or str(error), backend=backend.name)


def is_numeric(host: str) -> bool:
    """An IP address, which needs no look-up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class LiveBackend(Backend):
    """family, sockaddr: where to connect; sockaddr is None while a host name has not been resolved.

    tls: what it is spoken to with, None for plain text.
    idle: connections ready for reuse, at most `idle_limit`, the freshest last: the one used last is the least likely
    to be closed by now, and those in surplus reach their age and go. idle_life: what it taught us about that age.
    failed_connects, failed_answers: in a row, until now. failures: tries that failed, by reason.
    usual: outcomes of exchanges that went as nearly all do, by status.
    """

    __slots__ = ("failed_answers", "failed_connects", "failures", "family", "idle", "idle_life", "idle_limit",
                 "sockaddr", "spread", "tls", "usual")  # fmt: skip

    def __init__(
        self,
        address: Address,
        *,
        weight: int = 1,
        limit: int = UNLIMITED,
        idle_limit: int = 1024,
        members: int = 1,
        tls: BackendTls | None = None,
    ) -> None:
        super().__init__(address, weight=weight, limit=limit)
        self.failed_connects = 0
        self.failed_answers = 0
        self.failures: Counter[str] = Counter()
        self.usual: dict[int, Usual] = {}
        self.tls = tls
        self.idle: list[BackendConnection] = []
        self.idle_life = IdleLife()
        self.idle_limit = idle_limit
        self.spread = CONNECTIONS_PER_MEMBER * members if members > 1 else 0
        self.family = socket.AF_UNIX
        self.sockaddr: str | tuple[str, int] | None = None
        if isinstance(address, UnixAddress):
            self.sockaddr = address.sockaddr
        else:
            self._set_if_numeric(address)

    def _set_if_numeric(self, address: TcpAddress) -> None:
        try:
            version = ipaddress.ip_address(address.host).version
        except ValueError:
            return
        self.resolved(socket.AF_INET6 if version == 6 else socket.AF_INET, (address.host, address.port))

    def resolved(self, family: socket.AddressFamily, sockaddr: tuple[str, int]) -> None:
        self.family = family
        self.sockaddr = sockaddr

    def greeting(self, peer: Peer) -> bytes:
        """What a connection on behalf of this client begins with."""
        return b""

    def make_socket(self, kind: int, greeting: bytes) -> socket.socket:
        return socket.socket(self.family, kind)

    def dial(self, greeting: bytes = b"") -> socket.socket:
        """A non-blocking socket whose connection is under way, or made. Raises ConnectFailed.

        On loopback and on Unix sockets a `send` may follow at once: the kernel completes the handshake within
        `connect`, though TCP reports EINPROGRESS all the same.
        """
        if self.sockaddr is None:
            raise ConnectFailed("unresolved", f"{self.name} has not been resolved yet", backend=self.name)
        try:
            sock = self.make_socket(_STREAM, greeting)
        except OSError as error:
            raise connect_failed(error, self) from error
        try:
            code = sock.connect_ex(self.sockaddr)
            if code and code != errno.EINPROGRESS:
                raise OSError(code, os.strerror(code))
            if self.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            raise connect_failed(error, self) from error
        return sock

    def take_idle(self, peer: Peer | None = None) -> BackendConnection | None:
        """An idle connection, no longer listed; None when a new one is due. peer: for whom.

        A connection to a REUSEPORT group belongs to the member that the kernel chose for it. So a group gets `spread`
        connections before any is used again, and then each in its turn; else the first would pin all work to one.
        """
        idle = self.idle
        if not idle:
            return None
        if not self.spread:
            return idle.pop()
        return idle.pop(0) if len(idle) + self.taken - self.others > self.spread else None

    def keep(self, connection: BackendConnection, now: float) -> bool:
        """False when there are enough idle connections already: close this one."""
        if len(self.idle) >= self.idle_limit:
            return False
        connection.idle_since = now
        self.idle.append(connection)
        return True

    def retire(self, now: float, most: float) -> None:
        """Closes idle connections before the backend does, and after `most` seconds at the latest."""
        if self.idle:
            self.expire(now - self.idle_life.longest(now, most))

    def expire(self, before: float) -> None:
        """Closes those that have been idle since before then. The oldest stand first."""
        stale = 0
        for connection in self.idle:
            if connection.idle_since > before:
                break
            stale += 1
        expired, self.idle[:stale] = self.idle[:stale], []
        for connection in expired:
            connection.close()
