"""Real groups: who of them is missing or stuck is known by pid, though the kernel chooses whom a probe meets."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import parse_address
from proxy.core.config import Backend, HealthCheck
from proxy.serve.machine.port_sockets import listening_on
from tests.processes import free_port, start_backend, wait_until
from tests.serve.backends.listening import listening, silent
from tests.serve.backends.serving import controlled, serving, texts, until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from proxy.serve.control.controlled import Controlled
    from tests.conftest import Figures

CHECK = HealthCheck(path="/", interval=0.1, timeout=0.3, fall=2)
MEMBERS = 4

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tables of Linux")


@contextmanager
def group(count: int = MEMBERS) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Its address, and its processes."""
    address = f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        backends = [stack.enter_context(start_backend("hello", "--reuseport", listen=address)) for _ in range(count)]
        port = int(address.rpartition(":")[2])
        wait_until(lambda: len(listening_on(port)) == count)
        yield address, [backend.process for backend in backends]


def declared(address: str, members: int = MEMBERS) -> Backend:
    return Backend(address=parse_address(address), members=members)


def states(backend: Controlled) -> dict[int | None, str]:
    return {member.pid: member.state for member in backend.members}


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", None])
async def test_a_stuck_member_is_found_and_named_and_a_missing_one(path: str | None, figures: Figures) -> None:
    with group() as (address, processes):
        check = HealthCheck(path=path, interval=0.1, timeout=0.3, fall=2)
        async with serving(declared(address), health_check=check) as one:
            backend = controlled(one, parse_address(address))
            running = dict.fromkeys((process.pid for process in processes), "running")
            await until(lambda: states(backend) == running)

            stuck = processes[1]
            began = time.monotonic()
            stuck.send_signal(signal.SIGSTOP)
            await until(lambda: states(backend) == running | {stuck.pid: "stuck"})
            found = time.monotonic() - began
            (text,) = texts(one)
            assert text.startswith(f"app: backend {address}: member ")
            assert f"(pid {stuck.pid}) is stuck: " in text
            assert backend.condition == "ready"
            stuck.send_signal(signal.SIGCONT)
            await until(lambda: states(backend) == running)
            assert texts(one)[1].endswith(f"(pid {stuck.pid}) is well again")

            killed = processes[2]
            killed.kill()
            began = time.monotonic()
            await until(lambda: states(backend) == running | {killed.pid: "missing"})
            figures(
                f"a group of {MEMBERS}, probed every 0.1 s ({path or 'connect'}): a stuck member named after "
                f"{found:.2f} s, a missing one after {time.monotonic() - began:.2f} s"
            )
            assert texts(one)[2].endswith(f"(pid {killed.pid}) is missing: it does not listen")


@pytest.mark.slow
async def test_the_backend_is_down_when_no_member_answers() -> None:
    with group(2) as (address, processes):
        async with listening(silent) as other, serving(declared(address, 2), other, health_check=CHECK) as one:
            backend = controlled(one, parse_address(address))
            await until(lambda: list(states(backend).values()) == ["running"] * 2)
            for process in processes:
                process.send_signal(signal.SIGSTOP)
            await until(lambda: backend.condition == "unhealthy")
            assert backend.reason == "no answer within 0.3 s"
            await until(lambda: list(states(backend).values()) == ["stuck"] * 2)
            for process in processes:
                process.send_signal(signal.SIGCONT)
            await until(lambda: backend.condition == "ready")


@pytest.mark.slow
async def test_a_group_without_checks_has_its_members_counted() -> None:
    with group(2) as (address, processes):
        async with serving(declared(address, 3)) as one:
            backend = controlled(one, parse_address(address))
            await until(lambda: len(backend.members) == 3)
            assert {member.pid for member in backend.members} == {process.pid for process in processes} | {None}
            assert {member.connections for member in backend.members if member.pid} == {0}


@pytest.mark.slow
async def test_processes_that_we_start_are_told_with_their_starts() -> None:
    address = f"127.0.0.1:{free_port()}"
    command = (sys.executable, "-m", "backends.hello", "--listen", "{address}", "--reuseport")
    backend = Backend(address=parse_address(address), members=2, command=command)
    async with serving(backend, health_check=CHECK) as one:
        seen = controlled(one, backend.address)
        await until(lambda: [member.state for member in seen.members] == ["running"] * 2)
        assert [(member.number, member.starts) for member in seen.members] == [(1, 1), (2, 1)]
    assert not [text for text in texts(one) if "member" in text]


@pytest.mark.parametrize("check", [HealthCheck(interval=0.05, timeout=0.5), HealthCheck(path="/", interval=0.05)])
async def test_who_lets_go_at_once_has_been_met_all_the_same(check: HealthCheck) -> None:
    """As daytime does; and a server that closes behind each answer."""

    async def brief(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    port = free_port()
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            sock = trio.socket.socket()
            sock.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_REUSEPORT, 1)
            await sock.bind(("127.0.0.1", port))
            sock.listen(64)
            nursery.start_soon(trio.serve_listeners, brief, [trio.SocketListener(sock)])
        async with serving(declared(f"127.0.0.1:{port}", 2), health_check=check) as one:
            backend = controlled(one, parse_address(f"127.0.0.1:{port}"))
            await until(lambda: len(backend.members) == 2)
            checked: list[None] = []
            probed = one.controller.probed
            one.controller.probed = lambda *args, **known: (checked.append(None), probed(*args, **known))[1]  # type: ignore[method-assign]
            await until(lambda: len(checked) == 5)
            assert backend.condition == "ready"
            assert not backend.health.is_wavering
        nursery.cancel_scope.cancel()
