from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.restart import Condition, RestartPolicy
from proxy.serve.backends.managed import ManagedBackend, ManagedError, ManagedSpec, check, supervise, wait_ready
from tests.processes import DEADLINE, ROOT, end_group, free_port, is_alive, is_gone, request, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
QUICK = RestartPolicy(first_pause=0.01, longest_pause=0.05, stable_after=0.5, failing_after=3)
HELLO = (sys.executable, "-m", "backends.hello", "--listen", "{address}", "--name", "{pool}-{member}", "--reuseport")


@pytest.fixture(autouse=True, scope="module")
def _adopt_orphans() -> Iterator[None]:
    """Orphans become ours, as in a container where we are process 1; who else reaps them, and how soon, varies."""
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else lambda *_: None
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    yield
    prctl(PR_SET_CHILD_SUBREAPER, 0)


def spec_of(*command: str, members: int = 1, port: int | None = None) -> ManagedSpec:
    return ManagedSpec("app", TcpAddress("127.0.0.1", port or free_port()), members, command)


def script(text: str) -> ManagedSpec:
    return spec_of("sh", "-c", text)


@asynccontextmanager
async def supervised(
    spec: ManagedSpec, lines: list[str] | None = None, grace: float = 5.0
) -> AsyncIterator[ManagedBackend]:
    async with trio.open_nursery() as nursery:
        on_output = (lines if lines is not None else []).append

        async def run(*, task_status: trio.TaskStatus[ManagedBackend]) -> None:
            await supervise(spec, on_output=on_output, policy=QUICK, grace=grace, task_status=task_status)

        yield await nursery.start(run)
        nursery.cancel_scope.cancel()


async def eventually(condition: Callable[[], bool]) -> None:
    """Waits without blocking what runs in the same loop."""
    with trio.fail_after(DEADLINE):
        while not condition():  # noqa: ASYNC110  the conditions are the kernel's
            await trio.sleep(0.01)


async def pid_of_first(backend: ManagedBackend) -> int:
    await eventually(lambda: backend.statistics()[0].pid is not None)
    pid = backend.statistics()[0].pid
    assert pid
    return pid


def worker_at(port: int) -> str:
    worker: str = json.loads(request(f"127.0.0.1:{port}").body)["worker"]
    return worker


async def wait_for_workers(port: int, expected: set[str]) -> None:
    seen: set[str] = set()
    with trio.fail_after(DEADLINE):
        while seen != expected:
            try:
                seen.add(await trio.to_thread.run_sync(worker_at, port))
            except OSError:  # a member that was just killed took the connection with it
                await trio.sleep(0.01)


# Groups that serve.


@pytest.mark.slow
async def test_all_members_of_a_reuseport_group_answer_and_a_killed_one_comes_back() -> None:
    port = free_port()
    names = {"app-1", "app-2", "app-3"}
    async with supervised(spec_of(*HELLO, members=3, port=port)) as backend:
        await backend.wait_ready(trio.current_time() + DEADLINE)
        await wait_for_workers(port, names)
        first = [member.pid for member in backend.statistics()]
        assert first[1]
        os.kill(first[1], signal.SIGKILL)
        await eventually(lambda: backend.statistics()[1].starts == 2)
        await wait_for_workers(port, names)
        second = [member.pid for member in backend.statistics()]
        assert (second[0], second[2]) == (first[0], first[2])
        assert second[1] != first[1]
    assert all(pid is None or is_gone(pid) for pid in (*first, *second))


@pytest.mark.slow
async def test_unix_backend_is_ready_when_a_connect_works(tmp_path: Path) -> None:
    spec = ManagedSpec("app", UnixAddress(f"{tmp_path}/a.sock"), 1, HELLO[:5])
    async with supervised(spec) as backend:
        await backend.wait_ready(trio.current_time() + DEADLINE)
        assert backend.statistics()[0].name == "app/a.sock#1"
    assert not (tmp_path / "a.sock").exists()


@pytest.mark.slow
async def test_dependency_that_appears_late(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What a start limit makes of it: a service that stays down though all it needs is there."""
    caplog.set_level(logging.INFO, "rproxy.managed")
    needed = tmp_path / "needed"
    async with supervised(script(f"test -e {needed} || exit 3; echo found; exec sleep 60")) as backend:
        await eventually(lambda: backend.statistics()[0].condition is Condition.FAILING)
        starts = backend.statistics()[0].starts
        await eventually(lambda: backend.statistics()[0].starts >= starts + 3)
        needed.touch()
        await eventually(lambda: backend.statistics()[0].condition is Condition.UP)
    levels = [record.levelname for record in caplog.records]
    assert levels == ["INFO", "WARNING", "ERROR", "INFO"]


# Processes that die.


@pytest.mark.slow
async def test_failing_is_reported_once_with_status_and_last_words(caplog: pytest.LogCaptureFixture) -> None:
    async with supervised(script("echo no database >&2; exit 3")) as backend:
        await eventually(lambda: backend.statistics()[0].starts >= QUICK.failing_after + 3)
    (error,) = (record.getMessage() for record in caplog.records if record.levelno == logging.ERROR)
    assert "keeps dying, last with exit status 3" in error
    assert error.count("\n    no database") == QUICK.failing_after


@pytest.mark.slow
async def test_missing_command_says_so(caplog: pytest.LogCaptureFixture) -> None:
    lines: list[str] = []
    async with supervised(spec_of("/nowhere/app"), lines):
        await eventually(lambda: "exit status 127" in caplog.text)
    assert lines[0].endswith("#1 | cannot run /nowhere/app: No such file or directory")


async def test_failing_fork_is_tried_again(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    real = subprocess.Popen
    failures = iter([True])

    def popen(*args: object, **options: object) -> object:
        if next(failures, False):
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return real(*args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", popen)
    async with supervised(script("exec sleep 60")) as backend:
        await pid_of_first(backend)
        assert backend.statistics()[0].starts == 2
    assert "Resource temporarily unavailable" in caplog.text


async def test_signal_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with supervised(script("kill -9 $$")):
        await eventually(lambda: "died with signal 9" in caplog.text)


@pytest.mark.slow
async def test_children_of_a_dead_member_do_not_keep_its_place() -> None:
    """They would hold its port, and its successor could not bind."""
    lines: list[str] = []
    async with supervised(script("sleep 60 & echo $!; exit 1"), lines):
        await eventually(lambda: len(lines) > 2)
        await eventually(lambda: not is_alive(int(lines[0].split()[-1])))


# Output.


@pytest.mark.slow
async def test_output_has_the_name_of_its_member_in_front() -> None:
    lines: list[str] = []
    spec = spec_of("sh", "-c", "echo out {member}; echo err {member} >&2; exec sleep 60", members=2, port=9100)
    async with supervised(spec, lines):
        await eventually(lambda: len(lines) == 4)
    assert set(lines) == {f"app/9100#{member} | {kind} {member}" for member in (1, 2) for kind in ("out", "err")}


@pytest.mark.slow
async def test_flood_of_output_blocks_nobody_and_is_bounded() -> None:
    lines: list[str] = []
    async with supervised(script("exec yes flood"), lines):
        await eventually(lambda: len(lines) >= 1000)
        longest = 0.0
        for _ in range(20):
            before = trio.current_time()
            await trio.sleep(0.01)
            longest = max(longest, trio.current_time() - before)
    assert longest < 0.5
    assert len(lines) < 5000


@pytest.mark.slow
async def test_last_words_before_the_end_are_passed_on() -> None:
    lines: list[str] = []
    async with supervised(script("trap 'echo bye; exit' TERM; echo hi; while :; do sleep 0.01; done"), lines):
        await eventually(lambda: len(lines) == 1)
    assert lines[-1].endswith(" | bye")


class LateLines(list[str]):
    """Holds up the event loop at the first line, so that its process has ended before the rest is read."""

    def append(self, line: str) -> None:
        if not self:
            time.sleep(0.2)
        super().append(line)


@pytest.mark.slow
async def test_output_that_waits_in_the_pipe_at_the_end_is_read() -> None:
    lines = LateLines()
    async with supervised(script("head -c 60000 /dev/zero | tr '\\0' x; echo; echo end; exit 3"), lines) as backend:
        await eventually(lambda: backend.statistics()[0].starts == 2)
        assert any(line.endswith("| end") for line in lines)


@pytest.mark.slow
async def test_daemon_that_left_the_group_and_keeps_the_pipe_holds_up_nothing() -> None:
    lines: list[str] = []
    daemon = "setsid sh -c 'echo $$; exec sleep 60 >&2' &"  # $() ends when it has left the group, and its stdout
    async with supervised(script(f"echo $({daemon}); exit 1"), lines) as backend:
        await eventually(lambda: backend.statistics()[0].starts == 2)
    for line in lines:
        os.kill(int(line.split()[-1]), signal.SIGKILL)


# Ending.


@pytest.mark.slow
async def test_process_that_ignores_sigterm_is_killed_after_the_grace() -> None:
    lines: list[str] = []
    async with supervised(script("trap '' TERM; echo ready; while :; do sleep 1; done"), lines, grace=0.2) as backend:
        await eventually(lambda: len(lines) == 1)
        pid = await pid_of_first(backend)
        before = trio.current_time()
    assert is_gone(pid)
    assert 0.2 <= trio.current_time() - before < 2.0


@pytest.mark.slow
async def test_grandchildren_are_ended_too() -> None:
    lines: list[str] = []
    async with supervised(script("sleep 60 & sh -c 'trap \"\" TERM; sleep 60' & echo $!; wait"), lines, grace=0.2):
        await eventually(lambda: len(lines) == 1)
        grandchild = int(lines[0].split()[-1])
        assert is_alive(grandchild)
    await eventually(lambda: not is_alive(grandchild))


@pytest.mark.slow
async def test_grandchild_may_use_the_grace_after_its_parent_has_ended(tmp_path: Path) -> None:
    done = tmp_path / "done"
    inner = f"trap 'sleep 0.1; touch {done}; exit' TERM; echo ready; while :; do sleep 0.01; done"
    lines: list[str] = []
    async with supervised(spec_of("sh", "-c", 'sh -c "$0" & wait', inner), lines):
        await eventually(lambda: len(lines) == 1)
    assert done.exists()


def children_now() -> str:
    """Of the main thread, not of the others."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


async def test_cancelled_at_once_leaves_nothing() -> None:
    """Between the start of a process and the first wait for it there must be no gap."""
    before = children_now()
    with trio.CancelScope() as scope:
        scope.cancel()
        await supervise(script("exec sleep 60"), on_output=print, policy=QUICK)
    assert children_now() == before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG")
def test_nothing_survives_a_supervisor_that_is_killed() -> None:
    port = free_port()
    program = f"""
import sys, trio
from proxy.core.address import TcpAddress
from proxy.serve.backends.managed import ManagedSpec, supervise
spec = ManagedSpec("app", TcpAddress("127.0.0.1", {port}), 2, {HELLO!r})
trio.run(lambda: supervise(spec, on_output=print))
"""
    with subprocess.Popen((sys.executable, "-c", program), cwd=ROOT, start_new_session=True) as process:
        try:
            pids = _pids_of(port, 2)
            process.kill()
            wait_until(lambda: not any(map(is_alive, pids)))
        finally:
            end_group(process)


def _pids_of(port: int, count: int) -> set[int]:
    seen: set[int] = set()

    def has_seen_all() -> bool:
        try:
            seen.add(json.loads(request(f"127.0.0.1:{port}").body)["pid"])
        except OSError:
            return False
        return len(seen) == count

    wait_until(has_seen_all)
    return seen


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG")
async def test_parent_is_the_thread_of_the_event_loop() -> None:
    """Started from a worker thread, a member would be ended with it: Trio ends a thread that idled for ten seconds."""
    async with supervised(script("exec sleep 60")) as backend:
        assert str(await pid_of_first(backend)) in children_now().split()


@pytest.mark.slow
async def test_members_are_in_sessions_of_their_own_with_signals_as_they_should_be() -> None:
    lines: list[str] = []
    text = "import os, signal; print(os.getsid(0) == os.getpid(), os.read(0, 1), flush=True)"
    async with supervised(spec_of(sys.executable, "-c", text), lines):
        await eventually(lambda: bool(lines))
    assert lines[0].endswith("| True b''")
    lines.clear()
    async with supervised(script("grep SigIgn /proc/$$/status; exec sleep 60"), lines):
        await eventually(lambda: bool(lines))
    ignored = int(lines[0].split()[-1], 16)
    ours = 1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1  # Python ignores these; what it starts must not
    assert not ignored & ours  # others may be: GNU make ignores signals 32 and 33 for all below it


# Mistakes in the configuration, and readiness.


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (spec_of(), "the command is empty"),
        (ManagedSpec("app", TcpAddress("127.0.0.1", 0), 1, ("app",)), "needs a port that is known"),
        (ManagedSpec("app", UnixAddress("/nowhere/a.sock"), 1, ("app",)), "the directory /nowhere does not exist"),
        (ManagedSpec("app", UnixAddress("@a"), 2, ("app",)), "2 members can share a TCP port"),
        (spec_of("app", "{socket}"), "{socket} means nothing in this command"),
    ],
)
async def test_mistakes_are_told_before_anything_starts(spec: ManagedSpec, message: str) -> None:
    with pytest.raises(ManagedError, match=message):
        check(spec)
    with pytest.raises(ManagedError, match=message):
        await supervise(spec, on_output=print)


@pytest.mark.parametrize("address", [TcpAddress("127.0.0.1", free_port()), UnixAddress("/nowhere/a.sock")])
async def test_wait_ready_ends_at_its_deadline(address: TcpAddress | UnixAddress) -> None:
    with pytest.raises(trio.TooSlowError):
        await wait_ready(address, trio.current_time() + 0.05)


async def test_connection_that_meets_itself_is_no_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """One connect in 28,000 to a free ephemeral port does, and then keeps the backend from binding."""

    async def connect_to_itself(host: str, port: int) -> trio.SocketStream:
        sock = socket.socket()
        sock.bind((host, 0))  # not `port`: it is in TIME_WAIT at the next try
        sock.connect(sock.getsockname())
        return trio.SocketStream(trio.socket.from_stdlib_socket(sock))

    monkeypatch.setattr(trio, "open_tcp_stream", connect_to_itself)
    with pytest.raises(trio.TooSlowError):
        await wait_ready(TcpAddress("127.0.0.1", free_port()), trio.current_time() + 0.05)
