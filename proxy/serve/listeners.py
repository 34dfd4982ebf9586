"""The listening sockets of a configuration: bound, all or none, and closed."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import ListenOptions
from proxy.core.reload.inherit import ADMIN
from proxy.core.reload.listening import is_one
from proxy.engine.listener import adjust, bound_address, listen_each, welcome_new
from proxy.serve.inherited import Inherited

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from proxy.core.address import Address
    from proxy.core.config import Admin, Config
    from proxy.core.reload.listening import ListenChange, Place
    from proxy.core.reload.plan import Plan

log = logging.getLogger("rproxy.listener")

ADMIN_BACKLOG = 128


class ListenError(Exception):
    """An address that cannot be listened on; the message is one line that says why."""

    def __init__(self, frontend: str, address: Address, error: OSError) -> None:
        where = frontend if frontend == ADMIN else f"frontend {frontend}"
        super().__init__(f"{where}: cannot listen on {address}: {error.strerror or error}")
        self.address = address
        self.error = error


class Bound(NamedTuple):
    """address: as configured; where the socket listens is `bound_address(sock)`."""

    frontend: str
    address: Address
    sock: socket.socket


class Listeners:
    """bound: those of frontends. admin: that of the admin server, if there is one.

    owns_paths: whether socket files are removed with their sockets; not so where another process has them too.

    of_unit: sockets that a systemd socket unit made. shared: all that the service manager has as well; who waits in
    their queues at our end is served by the next start.
    """

    def __init__(self, bound: Iterable[Bound] = (), *, owns_paths: bool = True) -> None:
        self.bound = list(bound)
        self.admin: Bound | None = None
        self.owns_paths = owns_paths
        self.of_unit: set[socket.socket] = set()
        self.shared: set[socket.socket] = set()

    @classmethod
    def bind(cls, config: Config, inherited: Inherited | None = None, count: int = 1) -> Listeners:
        """Binds every address of every frontend, or none. Raises ListenError.

        inherited: sockets that are taken in place of new ones. What nobody needs of them is closed.
        count: of processes that will accept from them, each from its `share`.
        """
        listeners = cls()
        inherited = inherited or Inherited()
        inherited.claim(config)
        try:
            for name, frontend in config.frontends.items():
                for address in frontend.listen:
                    listeners._open(name, address, config, inherited, count)
                for sock in inherited.take_extra(name):
                    listeners._inherit(Bound(name, bound_address(sock), sock), config, inherited)
            if config.admin is not None:
                listeners._open_admin(config.admin, inherited)
        except BaseException:
            listeners.close()
            listeners.close_admin()
            raise
        finally:
            inherited.close_rest()
        return listeners

    def _open(self, name: str, address: Address, config: Config, inherited: Inherited, count: int) -> None:
        for sock in inherited.take(name, address):
            self._inherit(Bound(name, address, sock), config, inherited)
        if not inherited.covers(name, address):
            sockets = _listen(name, address, config.frontends[name].socket, count)
            self.bound += [Bound(name, address, sock) for sock in sockets]

    def _open_admin(self, settings: Admin, inherited: Inherited) -> None:
        address = settings.listen
        options = ListenOptions(backlog=ADMIN_BACKLOG, unix_mode=settings.unix_mode)
        for sock in inherited.take(ADMIN, address):
            self.admin = Bound(ADMIN, address, sock)
        if self.admin is None:
            self.admin = Bound(ADMIN, address, *_listen(ADMIN, address, options, 1))

    @property
    def all(self) -> list[Bound]:
        """With that of the admin server, for a process that takes over from this one."""
        return [*self.bound, self.admin] if self.admin is not None else self.bound

    def _inherit(self, bound: Bound, config: Config, inherited: Inherited) -> None:
        name, _, sock = bound
        origin = inherited.origin(sock)
        if origin == "unit":
            self.of_unit.add(sock)
        else:
            sock.listen(config.frontends[name].socket.backlog)  # it may be another one now; a unit has its Backlog=
        if origin != "upgrade":
            self.shared.add(sock)
        welcome_new(sock)  # a reload may have taken its address away, and a unit kept it
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as in `listen`, for those of a unit
        self.bound.append(bound)

    @property
    def addresses(self) -> dict[str, list[Address]]:
        """By frontend, ports picked by the kernel filled in."""
        found: dict[str, list[Address]] = {}
        for name, _, sock in self.bound:
            found.setdefault(name, []).append(bound_address(sock))
        return {name: list(dict.fromkeys(addresses)) for name, addresses in found.items()}

    def share(self, number: int, count: int) -> list[Bound]:
        """`share_of` all."""
        return share_of(self.bound, number, count)

    def open_missing(self, change: ListenChange, config: Config, count: int = 1) -> list[Bound]:
        """Binds what the new configuration needs more, or nothing; they are not ours before `take`. Raises ListenError.

        count: of processes that will accept from them.
        0.0.0.0:80 can be bound beside our own 127.0.0.1:80, or the other way round, if both have SO_REUSEPORT in that
        moment: nobody is refused while one takes the place of the other.
        """
        going = [bound.sock for bound in self._at(change.gone) if bound.sock.family != socket.AF_UNIX]
        opened: list[Bound] = []
        try:
            for name, address in change.missing:
                options = config.frontends[name].socket
                beside = [sock for sock in going if _is_same_port(sock, address)]
                with _sharing_ports(beside):
                    sockets = _listen(name, address, replace(options, reuse_port=True) if beside else options, count)
                opened += [Bound(name, address, sock) for sock in sockets]
        except BaseException:
            close_bound(opened)
            raise
        return opened

    def take(self, change: ListenChange, opened: Iterable[Bound]) -> list[Bound]:
        """The change has been made: `opened` are ours. Returns those that are gone, which the caller closes."""
        gone = self._at(change.gone)
        stay = [bound for bound in self.bound if bound not in gone]
        self.bound = [
            bound._replace(frontend=change.moved.get((bound.frontend, bound.address), bound.frontend)) for bound in stay
        ]
        self.bound += opened
        return gone

    def adjust(self, plan: Plan) -> None:
        """Backlogs, and modes and owners of socket files, where those of a frontend changed. What cannot be changed is
        logged: by now it is too late to refuse it. A socket unit says itself how its sockets are."""
        for name, settings in plan.frontends.changed.items():
            if any(setting.path[0] == "socket" for setting in settings):
                options = plan.config.frontends[name].socket
                for bound in self.bound:
                    if bound.frontend == name and bound.sock not in self.of_unit:
                        _adjust(bound, options)

    def _at(self, places: Iterable[Place]) -> list[Bound]:
        """All that stand for them. Where a picked port is listed once less, those of the last one."""
        found: list[Bound] = []
        for name, address in places:
            at = [bound for bound in self.bound if (bound.frontend, bound.address) == (name, address)]
            if not is_one(address):
                at = [bound for bound in at if bound not in found]
                at = [bound for bound in at if bound_address(bound.sock) == bound_address(at[-1].sock)]
            found += at
        return found

    def remove_path(self, bound: Bound) -> None:
        """Nobody finds it any more, where it is a file of ours; who waits in its queue is still there."""
        if self.owns_paths and bound.sock not in self.shared:
            _unlink_unix(bound.address if bound.sock.fileno() < 0 else bound_address(bound.sock))

    def close(self) -> None:
        """Those of frontends; connections that wait in their queues are reset."""
        for bound in self.bound:
            self._close(bound)
        self.bound = []

    @property
    def admin_address(self) -> Address | None:
        """Where the admin server listens."""
        return bound_address(self.admin.sock) if self.admin is not None else None

    def close_admin(self) -> None:
        """Once nobody serves it any more; whoever did may have closed it."""
        if self.admin is not None:
            self._close(self.admin)
            self.admin = None

    def _close(self, bound: Bound) -> None:
        self.remove_path(bound)
        bound.sock.close()


def _adjust(bound: Bound, options: ListenOptions) -> None:
    try:
        adjust(bound.sock, bound.address, options)
    except OSError as error:
        log.error("frontend %s: %s stays as it was: %s", bound.frontend, bound.address, error.strerror)


def close_bound(opened: Iterable[Bound]) -> None:
    """Sockets that nobody took."""
    for bound in opened:
        _unlink_unix(bound_address(bound.sock))
        bound.sock.close()


def share_of(sockets: Iterable[Bound], number: int, count: int) -> list[Bound]:
    """What process `number` of `count` accepts from, counted from 1. Together they have all of it: where there are
    fewer sockets than processes, as of a Unix path and from a socket unit, several have the same one."""
    groups: dict[tuple[str, Address, Address], list[Bound]] = {}
    for bound in sockets:
        groups.setdefault((bound.frontend, bound.address, bound_address(bound.sock)), []).append(bound)
    return [bound for group in groups.values() for bound in _deal(group, number - 1, count)]


def _deal(group: list[Bound], index: int, count: int) -> list[Bound]:
    return group[index::count] if len(group) >= count else [group[index % len(group)]]


def _listen(name: str, address: Address, options: ListenOptions, count: int) -> list[socket.socket]:
    try:
        return listen_each(address, options, count)
    except OSError as error:
        raise ListenError(name, address, error) from error


def _is_same_port(sock: socket.socket, address: Address) -> bool:
    return isinstance(address, TcpAddress) and sock.getsockname()[1] == address.port


@contextmanager
def _sharing_ports(sockets: Iterable[socket.socket]) -> Iterator[None]:
    before = [(sock, sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)) for sock in sockets]
    for sock, _ in before:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        yield
    finally:
        for sock, value in before:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, value)


def _unlink_unix(address: Address) -> None:
    """A socket file that nobody listens on only misleads."""
    if isinstance(address, UnixAddress) and not address.is_abstract:
        try:
            os.unlink(address.path)
        except FileNotFoundError:
            pass
        except PermissionError:
            pass  # in a directory of root's, which we are not any more; the next start replaces it
