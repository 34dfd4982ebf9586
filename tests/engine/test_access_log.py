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
from proxy.core.metrics.tally import Tally
from proxy.engine.access_log import ENOUGH, Meter, RecordBuffer, reason_of
from proxy.engine.http.logged import LoggedSession
from proxy.serve.server import Server
from tests.engine.logs import Log
from tests.engine.support import DEADLINE, GET, ask, backend, client, config, hello, outcomes, proxy, tracebacks, until

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.access_log.record import Record


def record(number: int) -> Record:
    return (RecordBuffer().new_client(Peer()), number, None, (0.0,) * 7, ("", "", 0, False, 0, 0, "ok"), 0, 0)


def test_records_are_handed_over_in_order_when_there_are_enough_or_somebody_asks() -> None:
    records = [record(number) for number in range(ENOUGH + 2)]
    buffer, taken = RecordBuffer(), list[list[object]]()
    buffer.consume = taken.append
    for each in records:
        buffer.add(each)
    assert taken == [records[:ENOUGH]]
    assert buffer.records == records[ENOUGH:]
    buffer.flush()
    assert taken == [records[:ENOUGH], records[ENOUGH:]]
    assert buffer.records == []


def test_without_a_log_records_are_counted() -> None:
    tally = Tally()
    buffer = RecordBuffer(tally)
    for number in range(ENOUGH + 1):
        buffer.add(record(number))
    assert sum(ended.count for ended in tally.take().ended) == ENOUGH
    RecordBuffer().flush()


async def test_waiting_ends_with_a_record_or_with_a_word_or_with_the_end() -> None:
    buffer = RecordBuffer()
    for end in (lambda: buffer.add(record(1)), buffer.wake, buffer.end):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(buffer.wait)
            await trio.testing.wait_all_tasks_blocked()
            assert nursery.child_tasks
            end()
        buffer.flush()
    await buffer.wait()


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
