"""The servers that are about how a process gets its connections: prefork, inetd, activated, echo."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from backends._listen import address_of, listen
from backends._ways_to_accept import WAYS
from proxy.lab.models.whose import named_workers
from proxy.serve.machine.port_sockets import connected_to
from tests.processes import (
    DEADLINE,
    connect,
    exchange,
    is_alive,
    read_all,
    request,
    start_backend,
    start_process,
    wait_until,
)

if TYPE_CHECKING:
    from pathlib import Path

# As a manager does it: the socket becomes descriptor 3, and LISTEN_PID the pid that the server will have.
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.executable, [sys.executable, "-m", "backends.activated"])
"""


def pid_of(address: str) -> int:
    pid: int = json.loads(request(address).body)["pid"]
    return pid


def numbers_of(parent: int) -> list[int]:
    return [worker.number for worker in named_workers(parent)]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_prefork_grows_shrinks_and_replaces_its_workers_and_ends_all(way: str) -> None:
    with start_backend("prefork", "--workers", "2", "--accept", way) as backend:
        parent = backend.process
        wait_until(lambda: numbers_of(parent.pid) == [1, 2])
        killed, stays = named_workers(parent.pid)
        os.kill(killed.pid, signal.SIGKILL)
        wait_until(lambda: numbers_of(parent.pid) == [1, 2] and killed not in named_workers(parent.pid))
        parent.send_signal(signal.SIGTTIN)
        wait_until(lambda: numbers_of(parent.pid) == [1, 2, 3])
        parent.send_signal(signal.SIGTTOU)
        wait_until(lambda: numbers_of(parent.pid) == [1, 2])
        with ThreadPoolExecutor() as pool:
            slow = pool.submit(request, backend.address, "/?delay=0.3&size=1")
            wait_until(lambda: bool(connected_to(int(backend.address.rpartition(":")[2]), socket.AF_INET)))
            parent.send_signal(signal.SIGHUP)
            wait_until(lambda: not is_alive(stays.pid))
            assert slow.result(DEADLINE).body == b"x"
        wait_until(lambda: numbers_of(parent.pid) == [1, 2])
        seen = {worker.pid for worker in named_workers(parent.pid)}
        assert pid_of(backend.address) in seen
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(DEADLINE) == 0
        wait_until(lambda: not any(map(is_alive, seen)))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG")
def test_prefork_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    with start_backend("prefork", "--workers", "1", listen=f"unix:{tmp_path}/a") as backend:
        worker = pid_of(backend.address)
        backend.process.kill()
        backend.process.wait(DEADLINE)
        wait_until(lambda: not is_alive(worker))


@pytest.mark.slow
def test_prefork_reads_bodies_and_removes_its_socket_file(tmp_path: Path) -> None:
    with start_backend("prefork", listen=f"unix:{tmp_path}/a") as backend:
        assert json.loads(request(backend.address, "/p", "POST", b"abc").body)["body_length"] == 3
        head = b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert b'"body_length": 5' in exchange(backend.address, head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_prefork_does_what_a_query_asks_for(way: str) -> None:
    with start_backend("prefork", "--workers", "1", "--accept", way) as backend:
        start = time.monotonic()
        assert request(backend.address, "/?size=5&delay=0.05&cpu=0.01&block=0.01").body == b"xxxxx"
        assert time.monotonic() - start >= 0.07
        assert request(backend.address, "/?size=5", "HEAD").body == b""
        assert request(backend.address, "/?size=many").status == 400
        assert json.loads(request(backend.address, "/a?b", "POST", b"abc").body)["body_length"] == 3
        answers = exchange(backend.address, b"GET /1 HTTP/1.1\r\nHost: test\r\n\r\n" * 2)
        assert answers.count(b"HTTP/1.1 200 ") == (1 if way == "blocking" else 2)  # which keeps no connection alive


@pytest.mark.slow
def test_inetd_serves_the_connection_it_was_started_with() -> None:
    ours, theirs = socket.socketpair()
    command = (sys.executable, "-m", "backends.inetd")
    with ours, theirs, start_process(("sh", "-c", f"exec {' '.join(command)} >&0"), stdin=theirs.fileno()) as process:
        theirs.close()
        ours.settimeout(DEADLINE)
        ours.sendall(b"GET /x HTTP/1.0\r\n\r\n")
        assert json.loads(read_all(ours).splitlines()[-1])["pid"] == process.pid
        assert process.wait(DEADLINE) == 0


@pytest.mark.slow
def test_activated_serves_on_an_inherited_socket() -> None:
    with listen("127.0.0.1:0") as sock:
        address = address_of(sock)
        command = (sys.executable, "-c", ACTIVATE, str(sock.fileno()))
        with start_process(command, pass_fds=[sock.fileno()]) as process:
            report = json.loads(request(address).body)
            assert (report["pid"], report["address"]) == (process.pid, address)
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "env", [{}, {"LISTEN_FDS": "0", "LISTEN_PID": "1"}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "1"}]
)
def test_activated_says_what_is_missing(env: dict[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    with start_process((sys.executable, "-m", "backends.activated"), env=env) as process:
        assert process.wait(DEADLINE) == 1
    assert "LISTEN_" in capfd.readouterr().err


@pytest.mark.slow
def test_echo_with_greeting_and_half_close() -> None:
    with start_backend("echo", "--prefix", "one") as backend:
        with connect(backend.address) as sock:
            assert sock.recv(100) == b"one\n"  # before we said anything
        data = os.urandom(1_000_000)
        with connect(backend.address) as sock:
            sock.settimeout(DEADLINE)
            sock.sendall(data[:100_000])
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == b"one\n" + data[:100_000]
