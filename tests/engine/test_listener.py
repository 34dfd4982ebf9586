# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import errno
import json
import os
import select
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import ListenOptions
from proxy.engine.arrival.stage import Stage
from proxy.engine.listener import adjust, bound_address, listen, listen_each, refuse_new
from proxy.serve.listeners import ListenError, Listeners
from tests.engine.support import (
    GET,
    Gate,
    ask,
    backend,
    client,
    config,
    descriptors,
    dial,
    hello,
    proxy,
    silent,
    status,
    until,
)
from tests.processes import ROOT, connect

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.address import Address
    from proxy.core.client.peer import Peer
    from proxy.serve.server import Server

PLAIN = ListenOptions()


def option(sock: socket.socket, level: int, name: int) -> int:
    return sock.getsockopt(level, name)


# ---------------------------------------------------------------------- sockets


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_tcp_listener_tells_the_port_it_got(host: str) -> None:
    with listen(TcpAddress(host, 0), PLAIN) as sock:
        address = bound_address(sock)
        assert isinstance(address, TcpAddress)
        assert address.port > 0
        assert not sock.getblocking()
        assert option(sock, socket.SOL_SOCKET, socket.SO_REUSEADDR)
        assert option(sock, socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_ipv4_and_ipv6_stand_side_by_side_on_one_port() -> None:
    with listen(TcpAddress("0.0.0.0", 0), PLAIN) as four:
        address = bound_address(four)
        assert isinstance(address, TcpAddress)
        with listen(TcpAddress("::", address.port), PLAIN) as six:
            assert bound_address(six) == TcpAddress("::", address.port)


def test_port_in_use_is_refused_unless_both_share_it() -> None:
    sharing = ListenOptions(reuse_port=True)
    with listen(TcpAddress("127.0.0.1", 0), PLAIN) as sock, pytest.raises(OSError) as caught:  # noqa: PT011
        listen(bound_address(sock), sharing)
    assert caught.value.errno == errno.EADDRINUSE
    with listen(TcpAddress("127.0.0.1", 0), sharing) as first, listen(bound_address(first), sharing) as second:
        assert bound_address(first) == bound_address(second)


def test_each_process_gets_a_tcp_socket_of_its_own() -> None:
    sockets = listen_each(TcpAddress("127.0.0.1", 0), PLAIN, 3)
    assert len({bound_address(sock) for sock in sockets}) == 1
    clients = [connect(str(bound_address(sockets[0]))) for _ in range(30)]
    ready = select.select(sockets, [], [], 0)[0]
    assert len(ready) > 1  # that all 30 go to one of 3 happens once in 10 ** 14
    for sock in (*clients, *sockets):
        sock.close()


def test_all_processes_share_a_unix_socket(tmp_path: Path) -> None:
    (sock,) = listen_each(UnixAddress(str(tmp_path / "front")), PLAIN, 2)
    sock.close()


def test_several_processes_do_not_join_strangers_on_a_port_unless_they_are_asked_to() -> None:
    sharing = ListenOptions(reuse_port=True)
    first = listen_each(TcpAddress("127.0.0.1", 0), PLAIN, 2)
    before = descriptors()
    with pytest.raises(OSError) as caught:  # noqa: PT011
        listen_each(bound_address(first[0]), PLAIN, 2)
    assert caught.value.errno == errno.EADDRINUSE
    assert descriptors() == before
    for sock in (*first, *listen_each(bound_address(first[0]), sharing, 2)):
        sock.close()


def test_unix_socket_has_its_mode_before_anybody_can_connect(tmp_path: Path) -> None:
    path = tmp_path / "front"
    with listen(UnixAddress(str(path)), ListenOptions(unix_mode=0o600)) as sock:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert bound_address(sock) == UnixAddress(str(path))


def test_stale_socket_file_is_replaced(tmp_path: Path) -> None:
    address = UnixAddress(str(tmp_path / "front"))
    listen(address, PLAIN).close()  # the file stays
    assert os.path.exists(address.path)
    with listen(address, PLAIN) as sock, socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(address.path)
        sock.accept()[0].close()


def test_live_socket_file_is_left_alone(tmp_path: Path) -> None:
    address = UnixAddress(str(tmp_path / "front"))
    with listen(address, PLAIN) as sock:
        with pytest.raises(OSError) as caught:  # noqa: PT011
            listen(address, PLAIN)
        assert caught.value.errno == errno.EADDRINUSE
        sock.accept()[0].close()  # the knock


def test_live_socket_whose_queue_is_full_is_left_alone(tmp_path: Path) -> None:
    address = UnixAddress(str(tmp_path / "front"))
    with listen(address, ListenOptions(backlog=1)), socket.socket(socket.AF_UNIX) as first:
        with socket.socket(socket.AF_UNIX) as second:
            first.connect(address.path)
            second.connect(address.path)
            with pytest.raises(OSError) as caught:  # noqa: PT011
                listen(address, PLAIN)
    assert caught.value.errno == errno.EADDRINUSE


def test_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(OSError, match="not a socket"):
        listen(UnixAddress(str(path)), PLAIN)
    assert path.read_text() == "data"


def test_abstract_name_needs_no_file() -> None:
    address = UnixAddress(f"@rproxy-listener-{os.getpid()}")
    with listen(address, PLAIN) as sock:
        assert bound_address(sock) == address
        with pytest.raises(OSError):  # noqa: PT011
            listen(address, PLAIN)


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "::1"), ("::", "::1")]
)
async def test_peer_is_told_where_it_comes_from_and_where_to(host: str, local: str) -> None:
    async with proxy(config(listen=TcpAddress(host, 0))) as server:
        peers = note_peers(server)
        port = server.addresses["web"][0].port
        async with client(TcpAddress(local, port)) as wire:
            await until(lambda: bool(peers))
            own = wire.sock.getsockname()
        assert (peers[0].host, peers[0].port) == own[:2]
        assert (peers[0].local_host, peers[0].local_port) == (local, port)


async def test_peer_on_a_unix_socket_has_no_address(tmp_path: Path) -> None:
    async with proxy(config(listen=UnixAddress(str(tmp_path / "front")))) as server:
        peers = note_peers(server)
        async with client(server):
            await until(lambda: bool(peers))
        assert (peers[0].host, peers[0].port, peers[0].local_host, peers[0].local_port) == ("", 0, "", 0)


def note_peers(server: Server) -> list[Peer]:
    """As connections come; they are closed at once."""
    peers: list[Peer] = []

    class Note(Stage):
        def seconds(self) -> float:
            peers.append(self.peer)
            return 0.0

        def on_event(self, mask: int) -> None:
            self.give_up(None)

    server.frontends["web"].set_stages((Note,))
    return peers


async def test_address_that_cannot_be_had_is_named_and_the_others_are_released(tmp_path: Path) -> None:
    address = UnixAddress(str(tmp_path / "no" / "front"))
    with pytest.raises(ListenError, match=r"frontend web: cannot listen on unix:.*: No such file or directory"):
        Listeners.bind(config(listen=address))


@pytest.mark.parametrize("kind", ["ipv6", "unix", "abstract"])
async def test_proxy_serves_on_every_kind_of_address(kind: str, tmp_path: Path) -> None:
    listens: dict[str, Address] = {
        "ipv6": TcpAddress("::1", 0),
        "unix": UnixAddress(str(tmp_path / "front")),
        "abstract": UnixAddress(f"@rproxy-listener-{os.getpid()}"),
    }
    async with backend(hello) as app, proxy(config(app.address, listen=listens[kind])) as server:
        assert (await ask(server))[1] == b"ok"
    assert not (tmp_path / "front").exists()


# ---------------------------------------------------------------------- limits


async def test_connections_beyond_the_limit_wait_in_the_kernel() -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(app.address, limits={"connections": 2})) as server:
        async with trio.open_nursery() as nursery:

            async def visit() -> None:
                async with client(server) as wire:
                    await wire.send(GET)
                    assert (await wire.response())[1] == b"ok"

            for _ in range(10):
                nursery.start_soon(visit)
            await until(lambda: gate.arrived == 2)
            assert server.active == 2
            gate.open()
        assert gate.arrived == 10


async def test_limit_is_one_state_in_the_log_not_a_line_per_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with backend(hello) as app, proxy(config(app.address, limits={"connections": 1})) as server:
        wires = [await dial(server.addresses["web"][0]) for _ in range(10)]
        for wire in wires:
            await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        for wire in wires:
            assert (await wire.response())[1] == b"ok"
            wire.close()
    assert sum("the limit" in record.getMessage() for record in caplog.records) == 1


async def test_more_clients_than_one_wake_up_takes_are_all_accepted() -> None:
    async with backend(silent) as app, proxy(config(app.address, mode="tcp")) as server:
        wires = [await dial(server.addresses["web"][0]) for _ in range(150)]
        await until(lambda: server.active == 150)
        for wire in wires:
            wire.close()


async def test_client_that_waits_at_the_limit_does_not_disturb_a_shutdown(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(app.address, limits={"connections": 1})) as server:
        async with client(server) as first, client(server):
            await first.send(GET)
            await until(lambda: gate.arrived == 1 and bool(server.frontends["web"].room.waiting))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(server.drain, 1)
                await until(lambda: server.frontends["web"].is_draining)
                gate.open()
                assert (await first.response())[1] == b"ok"
                first.close()
                nursery.cancel_scope.cancel()
            server.cut()
    assert [record for record in caplog.records if record.exc_info] == []


# ---------------------------------------------------------------------- out of descriptors

SCRIPT = """
import json, resource, socket, time
import trio
from tests.engine.support import *

async def main():
    async with backend(hello) as app, proxy(config(app.address, limits={"connections": 1000})) as server:
        address = server.addresses["web"][0]
        async with client(server) as old:
            await old.send(GET)
            await old.response()
            used = max(int(fd) for fd in os.listdir("/proc/self/fd")) + 1
            visitors = [socket.socket() for _ in range(8)]
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + 8 + 3, 4096))
            for visitor in visitors:
                visitor.connect((address.host, address.port))
            await until(lambda: server._accepting[0]._is_paused)
            cpu, wall = time.process_time(), time.monotonic()
            await trio.sleep(0.5)
            spent = (time.process_time() - cpu) / (time.monotonic() - wall)
            await old.send(GET)
            await old.response()
            crowd = server.active
            for visitor in visitors:
                visitor.close()
            await until(lambda: not server._accepting[0]._is_paused)
            resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
            _, body = await ask(server)
            print(json.dumps({"spent": spent, "crowd": crowd, "body": body.decode()}))

trio.run(main)
"""


@pytest.mark.slow
def test_accepting_pauses_without_descriptors_and_neither_spins_nor_dies() -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=30, cwd=ROOT, check=False
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["crowd"] < 9
    assert result["body"] == "ok"
    assert result["spent"] < 0.3
    assert run.stderr.count("cannot accept: Too many open files") == 1  # once per change of state
    assert run.stderr.count("accepting again") == 1


async def test_connection_that_died_in_the_queue_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server:
        (listener,) = server._accepting
        original, errors = listener.sock.accept, [OSError(errno.ECONNABORTED, "aborted")] * 3

        class Sock:
            fileno = listener.sock.fileno

            def accept(self) -> object:
                if errors:
                    raise errors.pop()
                return original()

        monkeypatch.setattr(listener, "sock", Sock())
        assert status((await ask(server))[0]) == 200
        assert errors == []


def test_queue_that_nobody_gets_into_can_be_emptied() -> None:
    with listen(TcpAddress("127.0.0.1", 0), PLAIN) as sock, socket.create_connection(sock.getsockname()):
        refuse_new(sock)
        with socket.socket() as late:
            late.setblocking(False)
            assert late.connect_ex(sock.getsockname()) == errno.EINPROGRESS
            sock.accept()[0].close()
            with pytest.raises(BlockingIOError):
                sock.accept()
            assert not select.select([], [late], [], 0)[1]


def test_options_of_a_socket_that_listens_can_be_others(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    address = UnixAddress(str(path))
    with listen(address, ListenOptions(backlog=1)) as sock:
        adjust(sock, address, ListenOptions(backlog=8, unix_mode=0o600))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        clients = [socket.socket(socket.AF_UNIX) for _ in range(6)]
        for one in clients:
            one.setblocking(False)
            one.connect(str(path))
            one.close()
