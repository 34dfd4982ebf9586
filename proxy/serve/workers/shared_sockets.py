"""What several workers have in common when the configuration changes: each gets its share of new listening sockets, and
there are rows and semaphores for new backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.workers.rows import TooManyRows
from proxy.serve.listeners import close_bound, share_of
from proxy.serve.reload.rehearsal import Refused
from proxy.serve.workers.supervised import Supervised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core.config import Config
    from proxy.core.reload.listening import ListenChange
    from proxy.core.reload.plan import Plan
    from proxy.serve.control.controller import Plane
    from proxy.serve.listeners import Bound, Listeners
    from proxy.serve.workers.slot_keeper import SlotKeeper


class SharedSockets:
    """count: of the workers. Their supervisor keeps what it gives them, and closes what is gone before they are told:
    then the last one to let go of a socket has just emptied its queue."""

    def __init__(self, listeners: Listeners, slots: SlotKeeper, count: int) -> None:
        self._listeners = listeners
        self._slots = slots
        self._count = count

    def open(self, change: ListenChange, config: Config) -> list[Bound]:
        """Raises ListenError and Refused, and then nothing has changed."""
        opened = self._listeners.open_missing(change, config, self._count)
        try:
            self._slots.configure(config)
        except (OSError, TooManyRows) as error:
            close_bound(opened)
            raise Refused(f"slots cannot be shared: {error}") from error
        return opened

    def take(self, change: ListenChange, plan: Plan, opened: Sequence[Bound]) -> None:
        self._listeners.adjust(plan)
        for bound in self._listeners.take(change, opened):
            self._listeners.remove_path(bound)
            bound.sock.close()

    def share(self, opened: Sequence[Bound], plane: Plane) -> list[Bound]:
        assert isinstance(plane, Supervised)
        return share_of(opened, plane.number, self._count)
