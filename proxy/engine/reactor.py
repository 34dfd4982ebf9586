"""One Trio task that drives many sockets: an epoll object inside Trio, and a plain function call per event."""

from __future__ import annotations

import logging
import os
import select
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.engine.sock import Sock

log = logging.getLogger("rproxy.reactor")

READ = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
READ_WRITE = READ | select.EPOLLOUT
WRITABLE = select.EPOLLOUT
BROKEN = select.EPOLLERR  # a reset; EPOLLHUP alone is a close on a Unix socket, and what was sent before can be read
HANG_UP = select.EPOLLRDHUP | select.EPOLLHUP | BROKEN

MAX_EVENTS = 128  # a batch: at 20 us an event, 2.5 ms until the clock is read and closed descriptors are released
MAX_BATCHES = 8  # between two visits to Trio: health checks, timers and signals wait 20 ms at most


class Owner(Protocol):
    """Whoever a handler belongs to."""

    def crashed(self, error: Exception) -> None:
        """A handler of this owner raised: end it, and give back what it holds. Must not raise."""


class Reactor:
    """Calls the handler registered for a descriptor with epoll's event mask, edge-triggered.

    Handlers are bound methods of an `Owner`; they never block and never await. An exception from one ends its owner
    only. A mask is a hint: a handler must bear a spurious event, and must read or write until the kernel says EAGAIN,
    a read comes up short, or it asks to be called again with `call_soon`.
    now: monotonic seconds, read once per batch. clock: what reads them then; another may do something before a batch.

    Handlers read; what they want written goes behind the batch with `call_soon`. A `send` to a peer that sleeps costs a
    wake-up of its processor (5 us on the machine of these figures), and while we read the next event it falls asleep
    again. With all sends back to back the peers are awake from the first one on: 30 us per varied request became 26.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._soon: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        self._closing: list[Sock] = []
        self._in_batch = False
        self._waker = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._waker, select.EPOLLIN | select.EPOLLET)  # no handler: the event itself is enough
        self.clock: Callable[[], float] = monotonic
        self.now = monotonic()
        self.crashes = 0

    def __len__(self) -> int:
        """How many descriptors are registered."""
        return len(self._handlers)

    def read_clock(self) -> float:
        """For callers outside a batch."""
        self.now = monotonic()
        return self.now

    def register(self, fd: int, handler: Callable[[int], None], mask: int = READ) -> None:
        """What is readable or writable already is reported at once, as a first edge."""
        self._epoll.register(fd, mask)
        self._handlers[fd] = handler

    def set_handler(self, fd: int, handler: Callable[[int], None]) -> None:
        """Events of a registered descriptor go to another handler from now on."""
        self._handlers[fd] = handler

    def announce(self, fd: int, mask: int) -> None:
        """Behind this batch its handler gets an event that the kernel knows nothing of."""
        handler = self._handlers.get(fd)
        if handler is not None:
            self.call_soon(handler, mask)

    def watch(self, fd: int, mask: int) -> None:
        """Changes what is watched; what holds already is reported again."""
        self._epoll.modify(fd, mask)

    def unregister(self, fd: int) -> None:
        """The descriptor stays open and goes elsewhere."""
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def close(self, sock: Sock) -> None:
        """No handler is called for it any more. Within a batch the descriptor is released behind it, so that its
        number cannot turn up again for a new socket while events for the old one are still in hand."""
        self._handlers.pop(sock.fileno(), None)
        if self._in_batch:
            self._closing.append(sock)
        else:
            sock.close()

    def call_soon(self, function: Callable[..., None], *args: object) -> None:
        """Calls a bound method of an `Owner` behind the events of this batch, or of the next one when it is called from
        outside or from behind the events itself."""
        self._soon.append((function, args))
        if not self._in_batch:
            os.eventfd_write(self._waker, 1)

    async def run(self) -> None:
        """Serves events until cancelled."""
        fd, wait_readable = self._epoll.fileno(), trio.lowlevel.wait_readable
        while True:
            if self._soon:
                await trio.lowlevel.checkpoint()
            else:
                await wait_readable(fd)
            for _ in range(MAX_BATCHES):
                if not self._run_batch():
                    break

    def _run_batch(self, wait: float = 0) -> bool:
        """Whether there was anything to do. wait: seconds for which it may stand still until there is."""
        events = self._epoll.poll(wait, MAX_EVENTS)
        if not events and not self._soon:
            return False
        self.now = self.clock()
        self._in_batch = True
        handlers = self._handlers
        for fd, mask in events:
            handler = handlers.get(fd)
            if handler is not None:
                try:
                    handler(mask)
                except Exception as error:  # noqa: BLE001 - the one boundary, see `crashed`
                    self.crashed(handler, error)
        soon, self._soon = self._soon, []
        for function, args in soon:
            try:
                function(*args)
            except Exception as error:  # noqa: BLE001
                self.crashed(function, error)
        self._in_batch = False
        if self._closing:
            for sock in self._closing:
                sock.close()
            self._closing.clear()
        return True

    def crashed(self, handler: Callable[..., None], error: Exception) -> None:
        """The one boundary: a defect of ours costs one session, a log line with its traceback, and a count."""
        self.crashes += 1
        log.error("%r raised; its session ends", handler, exc_info=error)
        owner: Owner | None = getattr(handler, "__self__", None)
        if owner is not None:
            try:
                owner.crashed(error)
            except Exception:
                log.exception("%r could not even end; what it held may be lost", owner)

    def close_all(self) -> None:
        """Releases the epoll object; every session must have ended."""
        self._epoll.close()
        os.close(self._waker)
