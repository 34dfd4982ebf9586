from __future__ import annotations

import errno
import gc
import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import Config, Frontend, Respond
from proxy.core.reload.listening import compare
from proxy.core.reload.plan import diff
from proxy.serve.listeners import ListenError, Listeners, close_bound, share_of
from proxy.serve.reload.rehearsal import Refused
from proxy.serve.workers.shared_sockets import SharedSockets
from proxy.serve.workers.slot_keeper import SlotKeeper
from tests.engine.shared.support import pool_settings
from tests.engine.support import descriptors
from tests.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proxy.core.address import Address


def config(*listen: Address) -> Config:
    return Config(frontends={"web": Frontend(name="web", listen=listen, respond=Respond(status=200))})


@pytest.fixture
def slots() -> Iterator[SlotKeeper]:
    keeper = SlotKeeper(2)
    yield keeper
    keeper.close()
    del keeper
    gc.collect()  # the scoreboard's memory has a descriptor of its own, and goes with its last view


def test_each_worker_gets_a_socket_of_a_new_port_and_all_the_same_of_a_path(tmp_path: Path, slots: SlotKeeper) -> None:
    port, path = TcpAddress("127.0.0.1", free_port()), UnixAddress(str(tmp_path / "web.sock"))
    old, new = config(TcpAddress("127.0.0.1", 0)), config(port, path)
    listeners = Listeners.bind(old, count=2)
    sockets = SharedSockets(listeners, slots, 2)
    gone = [bound.sock for bound in listeners.bound]
    change = compare(old, new)
    opened = sockets.open(change, new)
    first, second = (share_of(opened, number, 2) for number in (1, 2))
    assert [len(first), len(second)] == [2, 2]
    assert len({bound.sock for bound in (*first, *second)}) == 3
    sockets.take(change, diff(old, new), opened)
    assert listeners.bound == opened
    assert all(sock.fileno() < 0 for sock in gone)
    sockets.take(compare(new, config(port)), diff(new, config(port)), [])
    assert not (tmp_path / "web.sock").exists()
    assert [bound.address for bound in listeners.bound] == [port, port]
    listeners.close()


def test_a_port_that_strangers_have_is_none_for_workers(slots: SlotKeeper) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as stranger:
        taken = TcpAddress(*stranger.getsockname())
        old, new = config(TcpAddress("127.0.0.1", 0)), config(TcpAddress("127.0.0.1", 0), taken)
        listeners = Listeners.bind(old, count=2)
        with pytest.raises(ListenError):
            close_bound(SharedSockets(listeners, slots, 2).open(compare(old, new), new))
        listeners.close()


def test_without_room_for_more_open_files_nothing_changes(slots: SlotKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    port = TcpAddress("127.0.0.1", free_port())
    old, new = config(TcpAddress("127.0.0.1", 0)), replace(config(port), pools={"app": pool_settings(0, 5, 5)})
    listeners = Listeners.bind(old, count=2)
    before, calls = descriptors(), iter([os.eventfd(0)])

    def fails_the_second_time(*args: object) -> int:
        found = next(calls, None)
        if found is None:
            raise OSError(errno.EMFILE, "Too many open files")
        return found

    monkeypatch.setattr(os, "eventfd", fails_the_second_time)
    with pytest.raises(Refused, match=r"slots cannot be shared: .*Too many open files"):
        SharedSockets(listeners, slots, 2).open(compare(old, new), new)
    assert descriptors() == before
    assert slots.share()[0].backends == {}
    listeners.close()
