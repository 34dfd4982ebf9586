from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from proxy.engine.reactor import Reactor
from proxy.engine.shared.slot_watch import SlotWatch

if TYPE_CHECKING:
    from collections.abc import Iterator


class Watched:
    """A watch over semaphores, and how often it called."""

    def __init__(self, count: int) -> None:
        self.reactor = Reactor()
        self.calls = 0
        self.watch: SlotWatch[str] = SlotWatch(self.reactor, self.on_slot)
        self.semaphores = [os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK) for _ in range(count)]
        for number, semaphore in enumerate(self.semaphores):
            self.watch.add(semaphore, f"backend {number}")

    def on_slot(self, mask: int) -> None:
        self.calls += 1

    def crashed(self, error: Exception) -> None:
        raise error

    def called(self) -> int:
        self.calls = 0
        while self.reactor._run_batch():
            pass
        return self.calls


@contextmanager
def watched(count: int = 2) -> Iterator[Watched]:
    made = Watched(count)
    try:
        yield made
    finally:
        made.watch.close()
        for semaphore in made.semaphores:
            os.close(semaphore)
        made.reactor.close_all()


def test_calls_for_each_slot_while_somebody_waits() -> None:
    with watched() as w:
        os.eventfd_write(w.semaphores[1], 1)
        assert w.called() == 0
        w.watch.start()
        w.watch.start()
        assert w.called() == 1  # it was there before
        assert w.called() == 0  # and still is
        os.eventfd_write(w.semaphores[0], 1)
        assert w.called() == 1
        w.watch.stop()
        w.watch.stop()
        os.eventfd_write(w.semaphores[0], 1)
        assert w.called() == 0


def test_says_where_slots_are() -> None:
    with watched() as w:
        assert w.watch.free() == []
        os.eventfd_write(w.semaphores[1], 1)
        assert w.watch.free() == ["backend 1"]
        assert w.watch.free() == ["backend 1"]  # to look takes nothing
        os.eventfd_read(w.semaphores[1])
        assert w.watch.free() == []


def test_what_was_taken_out_is_not_watched_though_others_have_it_open() -> None:
    with watched() as w:
        copy = os.dup(w.semaphores[0])
        w.watch.remove(w.semaphores[0])
        w.watch.remove(w.semaphores[0])
        os.close(w.semaphores[0])
        w.watch.start()
        os.eventfd_write(copy, 1)
        assert w.called() == 0
        assert w.watch.free() == []
        w.semaphores[0] = copy


def test_without_limited_backends_there_is_nothing_to_watch() -> None:
    with watched(0) as w:
        w.watch.start()
        assert w.watch.free() == []
        assert len(w.reactor) == 0
