"""Listening sockets: made, and accepted from in batches; accepting pauses at a limit and when descriptors run out."""

from __future__ import annotations

import ctypes
import errno
import logging
import math
import os
import select
import shutil
import socket
import stat
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.core.address import Address, TcpAddress, UnixAddress
from proxy.core.client.peer import Peer
from proxy.core.config import ListenOptions
from proxy.engine.reactor import READ

if TYPE_CHECKING:
    from proxy.engine.frontend import Frontend
    from proxy.engine.timers import Bucket

log = logging.getLogger("rproxy.listener")

ACCEPTS_PER_WAKE_UP = 64  # 64 x 40 us: new connections hold up the others for 2.5 ms at most
PAUSE = 0.1  # seconds until accept is tried again after the kernel had no descriptor or no memory
_OVERLOAD = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}  # accept(2); the list is Trio's


def listen(address: Address, options: ListenOptions) -> socket.socket:
    """A non-blocking listening socket. Raises OSError.

    TCP: SO_REUSEADDR, and SO_REUSEPORT before `bind` if asked for; IPv6 sockets take IPv6 only, so that `[::]` and
    `0.0.0.0` can stand side by side. Unix: a stale socket file is replaced, a live one is not; the mode is set before
    anybody can connect.
    """
    sock = _listen_unix(address, options) if isinstance(address, UnixAddress) else _listen_tcp(address, options)
    sock.setblocking(False)
    return sock


def listen_each(address: Address, options: ListenOptions, count: int) -> list[socket.socket]:
    """For `count` processes that accept from it. Raises OSError.

    TCP: one for each (SO_REUSEPORT), among which the kernel spreads connections by their addresses. Unix: one for all,
    who are all told of a connection, and the first one gets it. That costs little: of 4 idle processes, 242 wake-ups
    for 200 connections. EPOLLEXCLUSIVE would not help, because an epoll object within another one, as in Trio's, passes
    every event on (ep_poll_callback in fs/eventpoll.c); without Trio around it one process gets 200 of 200.
    """
    if isinstance(address, UnixAddress) or count == 1:
        return [listen(address, options)]
    if not options.reuse_port:
        _refuse_company(address)
    sockets: list[socket.socket] = []
    try:
        for _ in range(count):
            sockets.append(listen(address, replace(options, reuse_port=True)))
            address = TcpAddress(address.host, sockets[0].getsockname()[1])
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _refuse_company(address: TcpAddress) -> None:
    """With SO_REUSEPORT the kernel would let us share the port with another program of the same user, which then gets
    some of the clients: our own second start, for example. Raises OSError."""
    with _bind_tcp(address, ListenOptions()):
        pass


def _listen_tcp(address: TcpAddress, options: ListenOptions) -> socket.socket:
    sock = _bind_tcp(address, options)
    try:
        sock.listen(options.backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def _bind_tcp(address: TcpAddress, options: ListenOptions) -> socket.socket:
    family, _, _, _, sockaddr = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if options.reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it: a call saved for each
        sock.bind(sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


_RETURN_NOTHING = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF_RET | BPF_K, no byte is kept
_DROP_ALL = struct.pack("HP", 1, ctypes.addressof(_RETURN_NOTHING))
_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27  # asm-generic/socket.h


def refuse_new(sock: socket.socket) -> None:
    """Nobody else gets into its queue, which can so be emptied before it is closed: a TCP client that comes now is not
    heard, tries again after a second, and is refused then (socket(7), SO_ATTACH_FILTER). For a Unix socket whoever made
    it removes its path."""
    if sock.family != socket.AF_UNIX:
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _DROP_ALL)
        except OSError:
            pass  # not on this system: whoever comes in these microseconds is reset


def welcome_new(sock: socket.socket) -> None:
    """Undoes `refuse_new`, for a socket that others have as well, as a socket unit has, and that came back to us."""
    if sock.family != socket.AF_UNIX:
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
        except OSError:
            pass  # there was none


def adjust(sock: socket.socket, address: Address, options: ListenOptions) -> None:
    """Other options for a socket that listens already; SO_REUSEPORT stays as it was bound. Raises OSError."""
    sock.listen(options.backlog)
    if isinstance(address, UnixAddress) and not address.is_abstract:
        _set_owner(address.path, options)
        os.chmod(address.path, options.unix_mode)


def _listen_unix(address: UnixAddress, options: ListenOptions) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if not address.is_abstract:
            remove_stale(address.path)
        sock.bind(address.sockaddr)
        if not address.is_abstract:
            _set_owner(address.path, options)
            os.chmod(address.path, options.unix_mode)  # before listen: until then every connect is refused
        sock.listen(options.backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def _set_owner(path: str, options: ListenOptions) -> None:
    if options.unix_owner is not None or options.unix_group is not None:
        try:
            shutil.chown(path, options.unix_owner, options.unix_group)  # type: ignore[arg-type] # one of them is given
        except LookupError as error:
            raise OSError(errno.EINVAL, str(error), path) from None


def remove_stale(path: str) -> None:
    """Removes a socket file that nobody listens on. Raises OSError(EADDRINUSE) if somebody does."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise OSError(errno.EADDRINUSE, "the path exists and is not a socket", path)
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        code = probe.connect_ex(path)
    if code == errno.ECONNREFUSED:
        os.unlink(path)
    elif code != errno.ENOENT:
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), path)


def bound_address(sock: socket.socket) -> Address:
    """Where the socket listens, with the port that the kernel picked for port 0."""
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        path = name.decode() if isinstance(name, bytes) else name
        return UnixAddress("@" + path[1:] if path.startswith("\0") else path)
    return TcpAddress(name[0], name[1])


def _local_name(address: Address) -> tuple[str, int] | None:
    """What every client of this listener connects to; None if that differs, because it listens on all addresses."""
    if isinstance(address, UnixAddress) or address.host in ("0.0.0.0", "::"):
        return None
    return address.host, address.port


class Listener:
    """Accepts for one frontend from one listening socket, which it does not own."""

    def __init__(self, frontend: Frontend, sock: socket.socket) -> None:
        self.address = bound_address(sock)
        self.deadline = math.inf  # set only while accepting pauses
        self.bucket: Bucket | None = None
        self.frontend = frontend
        self.sock = sock
        self._local = _local_name(self.address)
        self._is_paused = False
        self._is_closed = False
        frontend.reactor.register(sock.fileno(), self.on_event, READ)

    def on_event(self, mask: int) -> None:
        if self._is_closed:
            return  # it was to be called soon, or when there would be room
        frontend, accept = self.frontend, self.sock.accept
        for _ in range(ACCEPTS_PER_WAKE_UP):
            if frontend.active >= frontend.config.limits.connections and not self._has_room():
                return
            try:
                client, name = accept()
            except BlockingIOError:
                if frontend.room.is_crowded:
                    frontend.room.all_were_accepted()
                return
            except OSError as error:
                if error.errno in _OVERLOAD:
                    self._pause(error)
                    return
                if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK):
                    raise
                continue  # the connection died in the queue: ECONNABORTED and network errors (accept(2))
            client.setblocking(False)
            frontend.new_session(client, self._peer(client, name))
        frontend.reactor.call_soon(self.on_event, 0)

    def _peer(self, client: socket.socket, name: object) -> Peer:
        """0.3 us; 0.8 when the kernel must say to which of our addresses the client came."""
        if not isinstance(name, tuple):
            return Peer()
        local_host, local_port = self._local or client.getsockname()[:2]
        return Peer(name[0], name[1], local_host, local_port)

    def _has_room(self) -> bool:
        """At the limit. Nobody is sent away for nobody: if no client waits, the next one is an event."""
        queue = select.poll()
        queue.register(self.sock, select.POLLIN)
        return bool(queue.poll(0)) and self.frontend.room.make(self)

    def resume(self) -> None:
        """There is room again."""
        self.frontend.reactor.call_soon(self.on_event, 0)

    def try_again(self, seconds: float) -> None:
        """Somebody may have become idle by then."""
        self.deadline = self.frontend.reactor.now + seconds
        self.frontend.wheel.add(self)

    def _pause(self, error: OSError) -> None:
        if not self._is_paused:
            self._is_paused = True
            log.error("%s: cannot accept: %s; trying again every %g s", self.address, error.strerror, PAUSE)
        self.try_again(PAUSE)

    def timed_out(self) -> None:
        self.deadline = math.inf
        self.frontend.wheel.remove(self)
        self.on_event(0)
        if self._is_paused and self.deadline == math.inf:
            self._is_paused = False
            log.warning("%s: accepting again", self.address)

    def crashed(self, error: Exception) -> None:
        """A listener is not ended by one bad connection."""
        self.try_again(PAUSE)

    def accept_rest(self) -> None:
        """Takes in what the kernel has queued, whatever the limit: closing the socket would reset it. Then `close`."""
        for _ in range(self.frontend.config.socket.backlog):
            try:
                client, name = self.sock.accept()
            except OSError:
                return
            client.setblocking(False)
            self.frontend.new_session(client, self._peer(client, name))

    def close(self) -> None:
        """Accepts no more. The socket stays open: whoever made it closes it."""
        self._is_closed = True
        self.frontend.wheel.remove(self)
        self.frontend.reactor.unregister(self.sock.fileno())
