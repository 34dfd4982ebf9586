"""Logs that are written while a proxy serves: what cannot be written holds up nobody, and what is lost is told."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import json
import logging
import os
import re
import socket
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import AccessLog, LogFile, LogSyslog
from proxy.engine import access_log as records
from proxy.serve.logs import access_log
from proxy.serve.logs.access_log import LogError
from proxy.serve.one_process import serve
from tests.clients.support import RPROXY, short_directory, spawn
from tests.engine.logs import Log
from tests.engine.support import ask, backend, client, config, descriptors, hello, proxy, silent, until
from tests.processes import end_group, request, start_backend, wait_until

if TYPE_CHECKING:
    from pathlib import Path

SMALLEST = 64 * 1024


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "rproxy.access_log"]


def lost_lines(caplog: pytest.LogCaptureFixture) -> int:
    """As it was told, each time that the log went on."""
    told = re.findall(r"access log of web goes on: (\d+) lines were dropped", "\n".join(complaints(caplog)))
    return sum(map(int, told))


async def test_all_that_ended_is_written_before_the_end(tmp_path: Path) -> None:
    log = Log(tmp_path)
    before = descriptors()
    async with backend(hello) as app, proxy(config(app.address, frontend=log.settings)) as server:
        for _ in range(100):
            await ask(server)
    assert len(log.lines) == 100
    assert descriptors() == before


async def test_what_is_written_can_be_read_soon(tmp_path: Path) -> None:
    log = Log(tmp_path)
    async with backend(hello) as app, proxy(config(app.address, frontend=log.settings)) as server:
        for number in range(1, 3):
            await ask(server)
            await until(lambda: len(log.lines) == number)  # noqa: B023 - it is awaited here


async def test_a_log_that_cannot_be_opened_is_told_at_the_start(tmp_path: Path) -> None:
    before = descriptors()
    good, bad = (Log(path).settings for path in (tmp_path, tmp_path / "missing"))
    settings = config(TcpAddress("127.0.0.1", 1), frontend=good)
    other = config(TcpAddress("127.0.0.1", 1), frontend=bad)
    settings.frontends["bad"] = other.frontends["web"]
    with pytest.raises(LogError, match=r"access log of web: cannot open .*missing/access.log: No such file"):
        await serve(settings)
    assert descriptors() == before


async def test_a_full_disk_delays_nobody_and_what_was_lost_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(access_log, "RETRY", 0.02)
    path = tmp_path / "log"
    path.symlink_to("/dev/full")
    settings = {"access_log": AccessLog(to=LogFile(str(path)), buffer=SMALLEST)}
    async with backend(hello) as app, proxy(config(app.address, frontend=settings)) as server:
        await ask(server)
        await until(lambda: bool(complaints(caplog)))
        async with client(server) as wire:
            for _ in range(400):  # 150 KiB of lines
                await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                await wire.response()
        await until(lambda: len(complaints(caplog)) == 2)
        path.unlink()
        await until(lambda: any("goes on" in complaint for complaint in complaints(caplog)))
    written = len(path.read_text().splitlines())
    full, dropping, again, *_ = complaints(caplog)
    assert full == f"access log of web: {path} cannot be written: No space left on device"
    assert dropping == f"access log of web: lines come faster than {path} takes them: they are dropped"
    assert again == f"access log of web: {path} is written again"
    assert written + lost_lines(caplog) == 401
    assert SMALLEST // 500 < written < 300


async def test_a_pipe_that_nobody_reads_delays_nobody(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    settings = {"access_log": AccessLog(to=LogFile(str(fifo)), buffer=SMALLEST)}
    async with backend(hello) as app, proxy(config(app.address, frontend=settings)) as server:
        async with client(server) as wire:
            while not complaints(caplog):  # the pipe takes 64 KiB, the buffer as many
                await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                await wire.response()
            for _ in range(10):
                await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                await wire.response()
        data = b""

        def read_some() -> bool:
            nonlocal data
            try:
                data += os.read(reader, 1 << 20)
            except BlockingIOError:
                pass
            return len(complaints(caplog)) == 2

        await until(read_some)
        ended = server.frontends["web"].completed
    while more := os.read(reader, 1 << 20):
        data += more
    os.close(reader)
    lines = [json.loads(line) for line in data.splitlines()]
    dropped = lost_lines(caplog)
    assert dropped >= 10
    assert len(lines) + dropped == ended
    numbers = [line["exchange"] for line in lines]
    assert numbers == sorted(set(numbers))  # none is torn, twice or out of order


async def test_a_destination_that_is_stuck_does_not_hold_up_the_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(access_log, "LAST_WORDS", 0.05)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    settings = {"access_log": AccessLog(to=LogFile(str(fifo)), buffer=SMALLEST)}
    async with backend(hello) as app, proxy(config(app.address, frontend=settings)) as server:
        async with client(server) as wire:
            while not complaints(caplog):
                await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                await wire.response()
    assert complaints(caplog)[1:] == [f"access log of web: {fifo} takes no lines; what waited for it is lost"]
    os.close(reader)  # and the thread ends


async def test_syslog_is_waited_for_and_found_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "RETRY", 0.02)
    with short_directory() as directory:
        path = str(directory / "log")
        settings = {"access_log": AccessLog(to=LogSyslog(UnixAddress(path)))}
        async with backend(hello) as app, proxy(config(app.address, frontend=settings)) as server:
            for _ in range(2):
                await ask(server)
                await until(lambda: "cannot be written" in complaints(caplog)[-1] if complaints(caplog) else False)
                with trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
                    await daemon.bind(path)
                    message = (await daemon.recv(10_000)).decode()
                    await until(lambda: complaints(caplog)[-1].endswith("is written again"))
                os.unlink(path)
                header, _, line = message.partition(" - {")
                assert header.startswith("<190>1 ")
                assert header.endswith(f" rproxy {os.getpid()} web")
                assert json.loads("{" + line)["status"] == 200


async def test_enough_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(records, "ENOUGH", 2)
    log = Log(tmp_path)
    async with backend(hello) as app, proxy(config(app.address, frontend=log.settings)) as server:
        async with client(server) as wire:
            await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 9)
            for _ in range(9):
                await wire.response()
    assert [line["exchange"] for line in log.lines] == list(range(1, 10))


async def test_a_cancelled_proxy_writes_what_was_cut(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.CRITICAL)
    log = Log(tmp_path)
    async with backend(silent) as app:
        async with trio.open_nursery() as nursery:
            server = await nursery.start(serve, config(app.address, frontend=log.settings))
            async with client(server) as wire:
                await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                await until(lambda: app.connections == 1)
                nursery.cancel_scope.cancel()
    assert log.line["reason"] == "answer/shutdown"


@pytest.mark.slow
def test_standard_output_has_nothing_but_lines() -> None:
    with short_directory() as directory, start_backend("hello") as app:
        path = directory / "lb.toml"
        path.write_text(
            'frontends.web = { listen = "127.0.0.1:0", pool = "app", access_log = {} }\n'
            f'pools.app = {{ backends = ["{app.address}"] }}\n'
        )
        process = spawn(directory, (*RPROXY, "--config", str(path)))
        try:
            stderr = directory / "stderr"
            wait_until(lambda: re.search(r"pool +app .*\n", stderr.read_text()) is not None)
            match = re.search(r"frontend +web +http +(\S+)", stderr.read_text())
            assert match
            assert request(match[1]).status == 200
        finally:
            end_group(process)
        lines = [json.loads(line) for line in (directory / "stdout").read_text().splitlines()]
        assert [line["status"] for line in lines] == [200]
