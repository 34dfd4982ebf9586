"""The listening sockets of a configuration: bound, all or none, and closed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from proxy.core.address import UnixAddress
from proxy.engine.listener import bound_address, listen

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from proxy.core.address import Address
    from proxy.core.config import Config


class ListenError(Exception):
    """An address that cannot be listened on; the message is one line that says why."""

    def __init__(self, frontend: str, address: Address, error: OSError) -> None:
        super().__init__(f"frontend {frontend}: cannot listen on {address}: {error.strerror or error}")
        self.address = address
        self.error = error


class Bound(NamedTuple):
    """address: as configured; where the socket listens is `bound_address(sock)`."""

    frontend: str
    address: Address
    sock: socket.socket


class Listeners:
    """owns_paths: whether socket files are removed with their sockets; not so where another process has them too."""

    def __init__(self, bound: Iterable[Bound] = (), *, owns_paths: bool = True) -> None:
        self.bound = list(bound)
        self.owns_paths = owns_paths

    @classmethod
    def bind(cls, config: Config) -> Listeners:
        """Binds every address of every frontend, or none. Raises ListenError."""
        listeners = cls()
        try:
            for name, frontend in config.frontends.items():
                for address in frontend.listen:
                    listeners.bound.append(Bound(name, address, _listen(name, address, config)))
        except BaseException:
            listeners.close()
            raise
        return listeners

    @property
    def addresses(self) -> dict[str, list[Address]]:
        """By frontend, ports picked by the kernel filled in."""
        found: dict[str, list[Address]] = {}
        for name, _, sock in self.bound:
            found.setdefault(name, []).append(bound_address(sock))
        return found

    def close(self) -> None:
        """All of them; connections that wait in their queues are reset."""
        for _, _, sock in self.bound:
            if self.owns_paths:
                _unlink_unix(sock)
            sock.close()
        self.bound = []


def _listen(name: str, address: Address, config: Config) -> socket.socket:
    try:
        return listen(address, config.frontends[name].socket)
    except OSError as error:
        raise ListenError(name, address, error) from error


def _unlink_unix(sock: socket.socket) -> None:
    """A socket file that nobody listens on only misleads."""
    address = bound_address(sock)
    if isinstance(address, UnixAddress) and not address.is_abstract:
        try:
            os.unlink(address.path)
        except FileNotFoundError:
            pass
        except PermissionError:
            pass  # in a directory of root's, which we are not any more; the next start replaces it
