"""Listening sockets that the service manager keeps for us while we restart or crash, so that nobody is refused.

Only with FileDescriptorStoreMax= in the unit. They come back with the next start among the passed sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Sequence

    from proxy.serve.listeners import Listeners
    from proxy.serve.systemd.notify import Notifier

_PREFIX = "stored/"  # so that a stored socket is never taken for one of a socket unit that was named after a frontend
_LONGEST = 255  # bytes of FDNAME


def stored_name(frontend: str) -> str:
    """A name that systemd takes: ASCII without colons. Long ones are cut; sockets find their frontends by address."""
    return (_PREFIX + quote(frontend, safe=""))[:_LONGEST]


def frontend_of(name: str) -> str | None:
    """The frontend, or None if it is no name of ours."""
    return unquote(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else None


class FdStore:
    """What the manager keeps for us, as far as we know."""

    def __init__(self, notifier: Notifier, kept: Iterable[tuple[str, socket.socket]] = ()) -> None:
        """kept: what is in the store already, by frontend."""
        self._notifier = notifier
        self._kept: dict[str, list[socket.socket]] = {}
        for frontend, sock in kept:
            self._kept.setdefault(stored_name(frontend), []).append(sock)

    def keep(self, listeners: Listeners) -> None:
        """Call it when listeners were bound or closed. A socket unit keeps its own sockets itself."""
        if not self._notifier.is_heard:
            return
        wanted: dict[str, list[socket.socket]] = {}
        for frontend, _, sock in listeners.bound:
            if sock not in listeners.of_unit:
                wanted.setdefault(stored_name(frontend), []).append(sock)
                listeners.shared.add(sock)
        for name, sockets in self._kept.items():
            if not _are_all_in(sockets, wanted.get(name, ())):
                self._notifier.forget(name)  # all of that name; those that stay are stored again below
        for name, sockets in wanted.items():
            if sockets != self._kept.get(name):
                self._notifier.store(name, sockets)
        self._kept = wanted


def _are_all_in(some: Sequence[socket.socket], others: Sequence[socket.socket]) -> bool:
    return all(any(one is other for other in others) for one in some)
