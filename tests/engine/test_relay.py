"""The rules of a relay, stepped by hand: socket pairs, and a reactor that only takes notes."""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING

import pytest

from proxy.engine.reactor import BROKEN, READ_WRITE
from proxy.engine.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from proxy.core.errors import ProxyError

READABLE, WRITABLE, ENDED = select.EPOLLIN, select.EPOLLOUT, select.EPOLLIN | select.EPOLLRDHUP


class Notes:
    """A reactor that calls nobody."""

    def __init__(self) -> None:
        self.now = 100.0
        self.watched: dict[int, int] = {}
        self.soon: list[Callable[[], None]] = []

    def watch(self, fd: int, mask: int) -> None:
        self.watched[fd] = mask

    def call_soon(self, function: Callable[[], None]) -> None:
        self.soon.append(function)


class Pair(Relay):
    """client end → relay → server end; `result` once it has ended."""

    __slots__ = ("client_end", "result", "server_end")

    def __init__(self) -> None:
        self.reactor = Notes()  # type: ignore[assignment]
        self.idle = 10.0
        self.deadline = 0.0
        self.result: list[ProxyError | None] = []
        self.client_end, client = socket.socketpair()
        server, self.server_end = socket.socketpair()
        for sock in (self.client_end, client, server, self.server_end):
            sock.setblocking(False)
        self.begin_relay(client, server)

    def ended(self, error: ProxyError | None) -> None:
        self.release_flows()
        self.result.append(error)

    def close(self) -> None:
        self.release_flows()
        for sock in (self.client_end, self.client, self.server, self.server_end):
            sock.close()

    @property
    def reason(self) -> str:
        (error,) = self.result
        assert error is not None
        return error.reason


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


def fill(sock: socket.socket) -> int:
    """Writes until the kernel takes no more."""
    size = 0
    try:
        while True:
            size += sock.send(b"x" * 65536)
    except BlockingIOError:
        return size


def drain(sock: socket.socket) -> int:
    size = 0
    try:
        while data := sock.recv(1 << 20):
            size += len(data)
    except BlockingIOError:
        pass
    return size


def test_each_direction_moves_on_its_own_event(pair: Pair) -> None:
    pair.client_end.send(b"up")
    pair.server_end.send(b"down")
    pair.on_client(READABLE)
    assert pair.server_end.recv(10) == b"up"
    with pytest.raises(BlockingIOError):
        pair.client_end.recv(10)
    pair.on_server(READABLE)
    assert pair.client_end.recv(10) == b"down"


def test_every_event_pushes_the_deadline(pair: Pair) -> None:
    for now, handler in ((200.0, pair.on_client), (300.0, pair.on_server)):
        pair.reactor.now = now
        handler(0)
        assert pair.deadline == now + pair.idle


def test_it_ends_when_both_directions_have_ended_and_not_before(pair: Pair) -> None:
    pair.client_end.shutdown(socket.SHUT_WR)
    pair.on_client(ENDED)
    assert pair.server_end.recv(10) == b""
    assert pair.result == []
    pair.server_end.send(b"late")
    pair.on_server(READABLE)
    assert pair.client_end.recv(10) == b"late"
    pair.server_end.shutdown(socket.SHUT_WR)
    pair.on_server(ENDED)
    assert pair.client_end.recv(10) == b""
    assert pair.result == [None]


def test_blocked_direction_waits_for_room_and_the_end_comes_behind_its_bytes(pair: Pair) -> None:
    sent = got = 0
    while not pair.up_is_blocked:
        sent += fill(pair.client_end)
        pair.on_client(READABLE)
    assert pair.reactor.watched == {pair.server.fileno(): READ_WRITE}  # type: ignore[attr-defined]
    pair.client_end.shutdown(socket.SHUT_WR)
    pair.on_client(ENDED)
    while pair.up is not None:
        got += drain(pair.server_end)
        pair.on_server(WRITABLE)
    assert got + drain(pair.server_end) == sent
    assert pair.server_end.recv(10) == b""


def test_fast_sender_is_continued_later_and_only_once(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.engine.flow.MAX_ROUNDS", 1)
    notes = pair.reactor
    for sender, handler in ((pair.client_end, pair.on_client), (pair.server_end, pair.on_server)):
        sender.send(b"x" * 100_000)
        handler(READABLE)
        handler(READABLE)
        assert len(notes.soon) == 1  # type: ignore[attr-defined]
        while notes.soon:  # type: ignore[attr-defined]
            notes.soon.pop()()  # type: ignore[attr-defined]
    assert drain(pair.server_end) == drain(pair.client_end) == 100_000


def test_reset_of_either_side_is_charged_to_it(pair: Pair) -> None:
    pair.client.send(b"unread")
    pair.client_end.close()  # over an unread byte: a reset
    pair.on_client(ENDED | select.EPOLLHUP | BROKEN)
    assert pair.reason == "client-reset"


def test_reset_of_the_server_is_charged_to_it(pair: Pair) -> None:
    pair.server.send(b"unread")
    pair.server_end.close()
    pair.on_server(ENDED | select.EPOLLHUP | BROKEN)
    assert pair.reason == "backend-reset"


def test_server_that_takes_no_more_is_still_listened_to(pair: Pair) -> None:
    pair.server_end.send(b"last words")
    pair.server_end.close()
    pair.client_end.send(b"too late")
    pair.on_client(READABLE)
    assert pair.client_end.recv(100) == b"last words"
    assert pair.client_end.recv(100) == b""
    assert pair.result == [None]


def test_server_that_said_all_and_takes_no_more_is_an_error(pair: Pair) -> None:
    pair.server_end.shutdown(socket.SHUT_WR)
    pair.on_server(ENDED)
    pair.server_end.close()
    pair.client_end.send(b"too late")
    pair.on_client(READABLE)
    assert pair.reason == "backend-reset"


def test_client_that_takes_no_more_ends_it(pair: Pair) -> None:
    pair.client_end.close()
    pair.server_end.send(b"too late")
    pair.on_server(READABLE)
    assert pair.reason == "client-reset"


@pytest.mark.parametrize("side", ["client", "server"])
def test_error_on_a_side_that_is_no_longer_read_ends_it(pair: Pair, side: str) -> None:
    end, handler = (pair.client_end, pair.on_client) if side == "client" else (pair.server_end, pair.on_server)
    end.shutdown(socket.SHUT_WR)
    handler(ENDED)
    assert pair.result == []
    handler(ENDED)
    assert pair.result == []
    handler(ENDED | BROKEN)
    assert pair.reason == ("client-reset" if side == "client" else "backend-reset")


def test_error_of_a_client_whose_bytes_are_stuck_ends_it(pair: Pair) -> None:
    while not pair.up_is_blocked:
        fill(pair.client_end)
        pair.on_client(READABLE)
    pair.on_client(READABLE | BROKEN)
    assert pair.reason == "client-reset"


def test_late_calls_find_nothing_to_do(pair: Pair) -> None:
    pair.release_flows()
    for call in (pair.pump_up, pair.pump_down, pair._pump_up_again, pair._pump_down_again):
        call()
    pair.on_client(READABLE)
    pair.on_server(READABLE)
    assert pair.result == []


def test_silence_and_defects_end_it(pair: Pair) -> None:
    pair.timed_out()
    pair.crashed(RuntimeError("a defect"))
    assert [error.reason for error in pair.result if error] == ["idle", "crash"]
