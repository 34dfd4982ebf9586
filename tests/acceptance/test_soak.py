"""Transfers of random sizes in random pieces, both ways at once, some cut short; what arrives is compared, every byte.

An early prototype ended one download in thirty wrong, and nobody found out why. This test keeps looking: 5 seconds in
every run, minutes with --soak (SOAK_SECONDS=600 to say how many). Every transfer follows from the seed that a failure
names, as far as the client and the backend decide; SOAK_SEED begins with another one.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import parse_address
from proxy.engine.flow import Pipe
from tests.acceptance.stream import BLOCK, check, piece
from tests.clients.support import running, short_directory
from tests.engine.support import Wire, dial, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.clients.support import Rproxy

BRIEF, LONG = 5.0, 180.0  # seconds
AT_ONCE = 12
MIB = 1024 * 1024
EDGES = (0, 1, 32 * 1024, 64 * 1024, 256 * 1024, MIB)  # where the engine changes its way of reading
LARGEST = 8 * MIB
STUCK = 30.0  # seconds; no transfer takes as long when all is well
PIPES = 2 * Pipe.KEPT
FRAMINGS = ("length", "chunked", "close")  # of a response; a request cannot end with its connection

CONFIG = """
[frontends.tcp]
listen = ["127.0.0.1:0", "unix:{directory}/tcp.sock"]
mode = "tcp"
pool = "tcp"

[frontends.web]
listen = ["127.0.0.1:0", "unix:{directory}/web.sock"]
pool = "web"

[pools.tcp]
backends = ["{tcp}", "unix:{directory}/tcp-backend.sock"]

[pools.web]
backends = ["{web}", "unix:{directory}/web-backend.sock"]
"""


class Plan:
    """One transfer, from a seed: up and down are the bytes each way; cut: after how many bytes of its own the client
    resets the connection, or None."""

    def __init__(self, seed: int) -> None:
        rng = Random(seed)
        self.seed = seed
        self.up, self.down = any_size(rng), any_size(rng)
        self.up_framing, self.down_framing = rng.choice(FRAMINGS[:2]), rng.choice(FRAMINGS)
        self.client_pace, self.server_pace = rng.choice(PACES), rng.choice(PACES)
        self.cut = rng.randrange(self.up + 1) if rng.random() < 0.1 else None

    def rng(self, who: str) -> Random:
        return Random(f"{self.seed} {who}")


PACES = ("fast", "fast", "fast", "slow", "stuttering")


def any_size(rng: Random) -> int:
    kind = rng.random()
    if kind < 0.3:
        return max(0, rng.choice(EDGES) + rng.randrange(-2, 3))
    if kind < 0.7:
        return int(2 ** rng.uniform(0, 20))
    return rng.randrange(LARGEST + 1)


# ---------------------------------------------------------------------- bytes on their way


async def send(wire: Wire, seed: int, size: int, rng: Random, framing: str = "") -> None:
    """In pieces of any size."""
    position = 0
    while position < size:
        count = min(int(2 ** rng.uniform(0, 18)) if rng.random() < 0.3 else BLOCK, size - position)
        data = piece(seed, position, count)
        await wire.stream.send_all(b"%x\r\n%b\r\n" % (count, data) if framing == "chunked" else data)
        position += count
        if rng.random() < 0.1:
            await trio.sleep(rng.random() * 0.003)
    if framing == "chunked":
        await wire.stream.send_all(b"0\r\n\r\n")


class Receiver:
    """Compares what comes; position: bytes that came and were right."""

    def __init__(self, wire: Wire, seed: int, rng: Random, pace: str) -> None:
        self._wire = wire
        self._seed = seed
        self._rng = rng
        self._pace = pace
        self.position = 0

    async def body(self, framing: str, size: int) -> None:
        if framing == "chunked":
            while length := int(await self._wire.until(b"\r\n"), 16):
                await self.exactly(length)
                assert await self._wire.exactly(2) == b"\r\n"
            assert await self._wire.exactly(2) == b"\r\n"
        elif framing == "length":
            await self.exactly(size)
        else:
            while await self._some(BLOCK):
                pass
        assert self.position == size, f"{self.position} of {size} bytes, and a clean end"

    async def exactly(self, size: int) -> None:
        end = self.position + size
        while self.position < end:
            if not await self._some(end - self.position):
                raise EOFError(f"ended after {self.position} bytes")

    async def _some(self, most: int) -> int:
        wire, rng = self._wire, self._rng
        if self._pace == "slow" or (self._pace == "stuttering" and rng.random() < 0.02):
            await trio.sleep(rng.random() * (0.002 if self._pace == "slow" else 0.1))
        most = min(most, BLOCK)
        if wire.buffer:
            data, wire.buffer = wire.buffer[:most], wire.buffer[most:]
        else:
            data = await wire.stream.receive_some(min(most, int(2 ** rng.uniform(8, 18))))
        check(self._seed, self.position, data)
        self.position += len(data)
        return len(data)


# ---------------------------------------------------------------------- backends


async def serve_tcp(wire: Wire) -> None:
    """The first line is the seed of the plan; then both ways at once."""
    plan = Plan(int(await wire.until(b"\n")))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive_all, wire, plan, "close")
        await send(wire, plan.seed + 1, plan.down, plan.rng("server"))
        await wire.end()


async def receive_all(wire: Wire, plan: Plan, framing: str) -> None:
    """What of a transfer that is cut comes must be right, too; its reset is a clean end on a Unix socket."""
    receiver = Receiver(wire, plan.seed, plan.rng("receiver"), plan.server_pace)
    try:
        await receiver.body(framing, plan.up)
    except AssertionError:
        if plan.cut is None or receiver.position > plan.cut:
            raise


async def serve_web(wire: Wire) -> None:
    """The path is the seed of the plan."""
    while True:
        plan = Plan(int((await wire.head()).split(b" ")[1][1:]))
        await receive_all(wire, plan, plan.up_framing)
        await wire.send(b"HTTP/1.1 200 OK\r\n" + framing_field(plan.down_framing, plan.down) + b"\r\n")
        await send(wire, plan.seed + 1, plan.down, plan.rng("server"), plan.down_framing)
        if plan.down_framing == "close":
            await wire.end()
            return


def framing_field(framing: str, size: int) -> bytes:
    if framing == "length":
        return b"Content-Length: %d\r\n" % size
    return b"Transfer-Encoding: chunked\r\n" if framing == "chunked" else b"Connection: close\r\n"


# ---------------------------------------------------------------------- clients


async def use_tcp(wire: Wire, plans: list[Plan]) -> None:
    plan = plans[0]
    await wire.send(b"%d\n" % plan.seed)
    if plan.cut is not None:
        await send(wire, plan.seed, plan.cut, plan.rng("client"))
        wire.reset()
        return
    async with trio.open_nursery() as nursery:
        reader = Receiver(wire, plan.seed + 1, plan.rng("reader"), plan.client_pace)
        nursery.start_soon(reader.body, "close", plan.down)
        await send(wire, plan.seed, plan.up, plan.rng("client"))
        await wire.end()


async def use_web(wire: Wire, plans: list[Plan]) -> None:
    """Several exchanges on one connection; the last may be cut."""
    for plan in plans:
        head = b"POST /%d HTTP/1.1\r\nHost: soak\r\n" % plan.seed
        await wire.send(head + framing_field(plan.up_framing, plan.up) + b"\r\n")
        if plan.cut is not None:
            await send(wire, plan.seed, plan.cut, plan.rng("client"))
            wire.reset()
            return
        await send(wire, plan.seed, plan.up, plan.rng("client"), plan.up_framing)
        answer = await wire.head()
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        # What ends with the backend's connection reaches us in chunks.
        framing = "length" if plan.down_framing == "length" else "chunked"
        await Receiver(wire, plan.seed + 1, plan.rng("reader"), plan.client_pace).body(framing, plan.down)


USES = {"tcp": use_tcp, "web": use_web}


class Soak:
    """done: transfers by kind; bytes: that were compared; failures: what went wrong, with the seed that leads there."""

    def __init__(self, rproxy: Rproxy, seed: int, complaints: list[str]) -> None:
        self.rproxy = rproxy
        self._complaints = complaints
        self.done: Counter[str] = Counter()
        self.bytes = 0
        self.failures: list[str] = []
        self._seed = seed

    async def clients(self, seconds: float) -> None:
        """Begins no more transfers when time is up or something went wrong, and finishes those that run."""
        end = trio.current_time() + seconds

        async def one() -> None:
            while trio.current_time() < end and not (self.failures or self._complaints):
                self._seed += 1
                await self._transfer(self._seed * 1000)

        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                nursery.start_soon(one)

    async def _transfer(self, seed: int) -> None:
        rng = Random(seed)
        name = rng.choice(sorted(USES))
        address = parse_address(rng.choice(self.rproxy.addresses[name]))
        plans = [Plan(seed + 2 * number) for number in range(rng.randrange(1, 4) if name == "web" else 1)]
        wire = await dial(address)
        try:
            with trio.fail_after(STUCK):
                await USES[name](wire, plans)
        except Exception as error:  # noqa: BLE001 - the others go on
            self.failures.append(f"{name} {address} seed {seed}: {error!r} {getattr(error, 'exceptions', '')}")
            return
        finally:
            wire.close()
        for plan in plans:
            is_cut = plan.cut is not None
            self.done[f"{name}{' cut' if is_cut else ''}"] += 1
            if is_cut:
                break
            self.bytes += plan.up + plan.down


@asynccontextmanager
async def backends(directory: str, complaints: list[str]) -> AsyncIterator[dict[str, str]]:
    """Both kinds, each on a port and on a Unix socket. A wrong byte on its way up is found here."""

    async def run(stream: trio.SocketStream) -> None:
        wire = Wire(stream)
        try:
            await (serve_tcp if names[stream.socket.getsockname()] == "tcp" else serve_web)(wire)
        except* (EOFError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # a cut transfer; the client knows of those that should not be
        except* Exception as group:  # noqa: BLE001 - the others go on
            complaints.extend(repr(error) for error in group.exceptions)
        finally:
            wire.close()

    names, listeners, addresses = {}, [], {}
    for name in USES:
        port, path = trio.socket.socket(), trio.socket.socket(trio.socket.AF_UNIX)
        await port.bind(("127.0.0.1", 0))
        await path.bind(f"{directory}/{name}-backend.sock")
        for sock in (port, path):
            sock.listen(1024)
            names[sock.getsockname()] = name
            listeners.append(trio.SocketListener(sock))
        addresses[name] = f"127.0.0.1:{port.getsockname()[1]}"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, run, listeners)
        yield addresses
        nursery.cancel_scope.cancel()


# ---------------------------------------------------------------------- the test


@pytest.mark.slow
async def test_random_transfers_arrive_whole() -> None:
    await soak(BRIEF)


@pytest.mark.soak
async def test_random_transfers_arrive_whole_for_minutes() -> None:
    await soak(float(os.environ.get("SOAK_SECONDS", LONG)))


async def soak(seconds: float) -> None:
    seed = int(os.environ.get("SOAK_SEED", 1))
    complaints: list[str] = []
    with short_directory() as directory:
        async with backends(str(directory), complaints) as addresses:
            with running(CONFIG.format(directory=directory, **addresses)) as rproxy:
                before = open_files(rproxy)
                run = Soak(rproxy, seed, complaints)
                await run.clients(seconds)
                print(f"\n{seconds:g} s from seed {seed}: {dict(run.done)}, {run.bytes / MIB:.0f} MiB compared")
                assert not run.failures, "\n".join(run.failures[:20])
                assert not complaints, "\n".join(complaints[:20])
                assert min(run.done[name] for name in ("tcp", "tcp cut", "web", "web cut")) > 0
                # Every session is over. What stays: idle connections, at most one a client, and pipes for later.
                await until(lambda: open_files(rproxy) <= before + AT_ONCE + PIPES)


def open_files(rproxy: Rproxy) -> int:
    return len(os.listdir(f"/proc/{rproxy.process.pid}/fd"))
