"""Workers and their spawner are killed, stopped and told to reload at random, while clients come and go.

A request fails only if the worker that had it in its hands was killed. Nobody waits for long, and nothing is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
import trio

from tests.clients.support import Rproxy, short_directory, started
from tests.processes import free_port, start_backend

if TYPE_CHECKING:
    from tests.conftest import Figures

pytestmark = pytest.mark.slow

CONFIG = """
workers = 3
worker_timeout = "2s"
[frontends.web]
listen = ["{listen}", "unix:{path}"]
pool = "app"
[pools.app]
backends = [{{ address = "{one}", max_connections = LIMIT }}, "{other}"]
"""
CLIENTS = 6
PATIENCE = 20.0  # seconds; a hung worker is replaced after 2, and a spawner after 5
MARK = "RPROXY_OF_TEST"


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    """What all processes of this test have in their environment, whoever is their parent by now."""
    monkeypatch.setenv(MARK, f"chaos-{os.getpid()}")
    return f"{MARK}=chaos-{os.getpid()}"


class Chaos:
    """happened: what was done to whom."""

    def __init__(self, rproxy: Rproxy, mark: str, text: str, rng: Random) -> None:
        self.happened: Counter[str] = Counter()
        self._rproxy = rproxy
        self._mark = mark.encode()
        self._text = text
        self._rng = rng

    async def run(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            while True:
                await trio.sleep(self._rng.uniform(0.05, 0.6))
                how = self._rng.choice((self._kill, self._stop, self._pause, self._kill_spawner, self._reload))
                self.happened[how.__name__.strip("_")] += 1
                with contextlib.suppress(ProcessLookupError):
                    await how()

    def _pids(self, name: str) -> list[int]:
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._is_ours(pid, name)]

    def _is_ours(self, pid: int, name: str) -> bool:
        try:
            return Path(f"/proc/{pid}/comm").read_text().startswith(name) and self._mark in Path(
                f"/proc/{pid}/environ"
            ).read_bytes().split(b"\0")
        except OSError:
            return False

    def _signal(self, name: str, number: int) -> int | None:
        pids = self._pids(name)
        if not pids:
            return None
        pid = self._rng.choice(pids)
        os.kill(pid, number)
        return pid

    async def _kill(self) -> None:
        self._signal("rproxy worker", signal.SIGKILL)

    async def _stop(self) -> None:
        """For good: it is found to hang."""
        self._signal("rproxy worker", signal.SIGSTOP)

    async def _pause(self) -> None:
        pid = self._signal(self._rng.choice(("rproxy worker", "rproxy spawner")), signal.SIGSTOP)
        try:
            await trio.sleep(self._rng.uniform(0.1, 1.0))
        finally:
            if pid is not None:
                os.kill(pid, signal.SIGCONT)

    async def _kill_spawner(self) -> None:
        self._signal("rproxy spawner", signal.SIGKILL)

    async def _reload(self) -> None:
        (self._rproxy.directory / "lb.toml").write_text(self._text.replace("LIMIT", str(self._rng.randint(1, 6))))
        self._rproxy.signal(signal.SIGHUP)


class Clients:
    """answers: by status, or by what happened instead. longest: seconds that one took."""

    def __init__(self, address: str, path: str) -> None:
        self.answers: Counter[str] = Counter()
        self.longest = 0.0
        self._host, _, self._port = address.partition(":")
        self._path = path

    async def run(self, number: int) -> None:
        """Until cancelled, each request on a connection of its own."""
        while True:
            begin = trio.current_time()
            self.answers[await self._ask(is_unix=number % 2 == 0)] += 1
            self.longest = max(self.longest, trio.current_time() - begin)

    async def _connect(self, *, is_unix: bool) -> trio.SocketStream:
        if is_unix:
            return await trio.open_unix_socket(self._path)
        return await trio.open_tcp_stream(self._host, int(self._port))

    async def _ask(self, *, is_unix: bool) -> str:
        try:
            with trio.fail_after(PATIENCE):
                stream = await self._connect(is_unix=is_unix)
                async with stream:
                    await stream.send_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    data = b"".join([piece async for piece in stream])
        except (OSError, trio.BrokenResourceError):
            return "cut"
        except trio.TooSlowError:
            return "too slow"
        return data[9:12].decode() or "cut"


async def test_only_what_a_killed_worker_held_is_lost(mark: str, figures: Figures, *, soaking: bool) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    address = f"127.0.0.1:{free_port()}"
    with start_backend("hello") as one, start_backend("hello") as other, short_directory() as directory:
        path = f"{directory}/web.sock"
        text = CONFIG.format(listen=address, path=path, one=one.address, other=other.address)
        with started(text.replace("LIMIT", "4")) as rproxy:
            chaos, clients = Chaos(rproxy, mark, text, Random(seed)), Clients(address, path)
            before = descriptors_of(rproxy)
            async with trio.open_nursery() as nursery:
                for number in range(CLIENTS):
                    nursery.start_soon(clients.run, number)
                await chaos.run(120.0 if soaking else 5.0)
                await trio.sleep(3.0)  # all that hang are replaced by then
                during = clients.answers.copy()
                await trio.sleep(0.5)
                nursery.cancel_scope.cancel()
            assert descriptors_of(rproxy) <= before
            await trio.to_thread.run_sync(rproxy.end)
    figures(
        f"chaos for workers, seed {seed}: {dict(chaos.happened)}: {clients.answers['200']} requests answered, "
        f"{clients.answers['cut']} cut, the slowest took {clients.longest:.1f} s"
    )
    assert set(clients.answers) <= {"200", "cut"}
    assert set(clients.answers - during) == {"200"}
    assert clients.answers["cut"] <= CLIENTS * (chaos.happened["kill"] + chaos.happened["stop"])


def descriptors_of(rproxy: Rproxy) -> int:
    return len(os.listdir(f"/proc/{rproxy.process.pid}/fd"))
