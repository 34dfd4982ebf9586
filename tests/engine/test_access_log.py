"""The buffer between the engine and the log: bounded, in order, and nobody waits for it but who empties it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from proxy.core.access_log.json_lines import JsonLines
from proxy.core.client.peer import Peer
from proxy.core.errors import ClientGone
from proxy.engine import access_log
from proxy.engine.access_log import Meter, RecordBuffer, reason_of
from proxy.engine.http.logged import LoggedSession
from proxy.serve.server import Server
from tests.engine.logs import Log
from tests.engine.support import DEADLINE, GET, ask, backend, client, config, hello, outcomes, proxy, tracebacks, until

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.access_log.record import Record


def record(number: int) -> Record:
    return (RecordBuffer().new_client(Peer()), number, None, (0.0,) * 7, ("", "", 0, False, 0, 0, "ok"), 0, 0)


def test_the_oldest_are_taken_first() -> None:
    records = [record(number) for number in range(5)]
    buffer = RecordBuffer()
    for each in records:
        buffer.add(each)
    assert buffer.take(3) == records[:3]
    assert buffer.take(3) == records[3:]
    assert buffer.take(3) == []


def test_when_it_is_full_the_newest_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "MAX_RECORDS", 2)
    records = [record(number) for number in range(5)]
    buffer = RecordBuffer()
    for each in records:
        buffer.add(each)
    assert buffer.records == records[:2]
    assert buffer.take_dropped() == 3
    assert buffer.take_dropped() == 0


async def test_waiting_ends_with_enough_records_or_with_the_end() -> None:
    buffer = RecordBuffer()
    for count in (1, 2, 3):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(buffer.wait, count)
            await trio.testing.wait_all_tasks_blocked()
            for _ in range(count):
                assert nursery.child_tasks
                buffer.add(record(1))
        await buffer.wait(count)
        buffer.take(count)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(buffer.wait, 1)
        await trio.testing.wait_all_tasks_blocked()
        buffer.end()
    await buffer.wait(1)


def test_clients_are_numbered() -> None:
    buffer = RecordBuffer()
    assert [buffer.new_client(Peer()).session, buffer.new_client(Peer()).session] == [1, 2]


def test_bytes_are_counted_when_the_kernel_took_or_gave_them() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        meter = Meter(ours)
        assert meter.send(b"12345") == 5
        theirs.send(b"123")
        assert meter.recv(2) == b"12"
        assert meter.recv(2) == b"3"
        with pytest.raises(BlockingIOError):
            meter.recv(2)
        assert (meter.sent, meter.received) == (5, 3)


def test_reasons() -> None:
    assert reason_of(None) == "ok"
    assert reason_of(ClientGone(phase="write")) == "write/client-gone"


async def test_a_connection_that_had_no_session_yet(tmp_path: Path) -> None:
    log = Log(tmp_path)
    async with backend(hello) as app:
        settings = config(app.address, limits={"connections_per_client": 1}, frontend=log.settings)
        async with proxy(settings) as server, client(server), client(server) as second:
            await second.rest()
    line = log.line
    assert (line["reason"], line["client"], line["method"]) == ("admit/too-many-connections", "127.0.0.1", None)
    assert line["status"] == 429


async def test_a_defect_of_the_log_ends_no_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    log = Log(tmp_path)
    async with backend(hello) as app, proxy(config(app.address, frontend=log.settings)) as server:
        async with client(server) as wire:
            await wire.send(GET)
            assert (await wire.response())[1] == b"ok"
            await until(lambda: len(log.lines) == 1)
            monkeypatch.setattr(LoggedSession, "_forget", broken)
            await wire.send(GET)
            assert (await wire.response())[1] == b"ok"
            monkeypatch.undo()
            monkeypatch.setattr(JsonLines, "line", broken)
            await wire.send(GET)
            assert (await wire.response())[1] == b"ok"
            await until(lambda: len(tracebacks(caplog)) == 2)
            monkeypatch.undo()
            await wire.send(GET)
            assert (await wire.response())[1] == b"ok"
        assert outcomes(server) == {"ok": 4}
    assert [line["exchange"] for line in log.lines] == [1, 4]


async def test_a_defect_at_the_end_of_the_proxy_does_not_leave_the_log_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Server.close

    def broken(self: Server) -> None:
        original(self)
        raise RuntimeError("a defect")

    log = Log(tmp_path)
    monkeypatch.setattr(Server, "close", broken)
    with pytest.raises(ExceptionGroup), trio.fail_after(DEADLINE):
        async with backend(hello) as app, proxy(config(app.address, frontend=log.settings)) as server:
            await ask(server)
    assert log.line["status"] == 200
