"""10,000 sessions, ended in every way there is: afterwards nothing is left of them.

All in this process: the proxy by `nursery.start(serve, config)`, its backends (puppets.py), and the clients
(ways_tcp.py, ways_http.py).
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from pprint import pformat
from random import Random
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.config import parse_config
from proxy.engine.flow import Pipe
from proxy.engine.listener import Listener
from proxy.serve.one_process import serve
from tests.acceptance import ways_http, ways_tcp  # noqa: F401 - they fill WAYS
from tests.acceptance.puppets import http_puppet, slam, snap, tcp_puppet
from tests.acceptance.ways import WAYS, Way, black_hole
from tests.engine.support import NOBODY, backend, descriptors, dial, tracebacks, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from proxy.serve.server import Server

SESSIONS = 10_000
AT_ONCE = 100
SEED = 20_240_229
SHARED = {"bucket", "frontend", "reactor", "pool", "session", "_exchange", "_session", "find_head", "backend"}
STUCK = 10.0  # seconds; no session lives as long when all is well
LOGGED = "-logged"
SHORT = 0.5  # seconds; of every timeout of the frontends `-short`, `-full` and `-black-hole`

# By frontend, what its pool is made of; see `configuration`.
TARGETS = {
    "": ("puppet",),
    "-short": ("puppet",),
    "-second": ("nobody", "puppet"),
    "-refused": ("nobody",),
    "-leaving": ("puppet",),  # closes connections that are kept; a POST may meet that, and must not be repeated
    "-slam": ("slam",),
    "-snap": ("snap",),
    "-full": ("puppet",),
    "-black-hole": ("black-hole",),
}
# What must have been recorded, so that we know that the ways lead where they should.
REASONS = {
    *("ok", "client-gone", "client-reset", "backend-reset", "connect-refused", "connect-timeout", "queue-timeout"),
    *("queue-full", "idle", "incomplete-head", "head-too-large", "method", "chunk-syntax"),
    *("closed-before-answer", "closed-in-head", "closed-in-body", "response-chunks", "request-head-timeout"),
    *("request-body-timeout", "client-takes-nothing", "response-head-timeout", "response-body-timeout"),
    *("backend-takes-nothing",),
}


def configuration(addresses: dict[str, str], logs: Path) -> Iterator[str]:
    """A frontend and a pool of its own for each kind of target, in both modes; and its twin with an access log."""
    for mode, kind in ((mode, kind) for mode in ("tcp", "web") for kind in TARGETS):
        name, is_short = mode + kind, kind in ("-short", "-full", "-black-hole")
        for frontend in (name, name + LOGGED):
            yield f'[frontends.{frontend}]\nlisten = "127.0.0.1:0"\nmode = "{"tcp" if mode == "tcp" else "http"}"'
            yield f'pool = "{name}"'
            if is_short:
                yield f"timeouts = {table('request_head', 'request_body', 'keep_alive', 'idle', 'send')}"
            if frontend != name:
                yield f'access_log.to = "{logs}/{frontend}"'
        yield f"[pools.{name}]\nqueue = {2 if kind == '-full' else 1000}"
        if is_short:
            yield f"timeouts = {table('connect', 'response_head', 'response_body', 'queue', 'send')}"
        else:  # a client that was gone when its request was read is not missed until then
            yield 'timeouts = {response_head = "3s"}'
        limit = "max_connections = 1" if kind == "-full" else ""
        for target in TARGETS[kind]:
            address = addresses[mode if target == "puppet" else target]
            yield f'[[pools.{name}.backends]]\naddress = "{address}"\n{limit}'


def table(*names: str) -> str:
    return "{" + ", ".join(f"{name} = {SHORT}" for name in names) + "}"


@pytest.fixture
def count() -> int:
    """SESSIONS=500 makes it quick while one works on it."""
    return int(os.environ.get("SESSIONS", SESSIONS))


@pytest.mark.slow
async def test_nothing_is_left_of_sessions_however_they_end(
    caplog: pytest.LogCaptureFixture, count: int, tmp_path: Path
) -> None:
    before = descriptors() - pooled()
    start = time.monotonic()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path))
        ready = descriptors() - pooled()
        failures: Counter[str] = Counter()
        async with holding(server, "tcp-full"), holding(server, "web-full"):
            await run_all(server, chosen(count), failures)
        seconds = time.monotonic() - start
        await nothing_left(server)
        assert server.reactor.crashes == 0, tracebacks(caplog)
        report(server, count, seconds)
        assert not failures, "\n".join(f"{times} x {what}" for what, times in failures.most_common(20))
        expire_idle(server)
        assert len(server.reactor) == listeners(server)
        await until(lambda: descriptors() - pooled() == ready)
        missing = REASONS - reasons(server).keys()
        assert not missing or count < SESSIONS, f"no session ended by {sorted(missing)}"
    assert descriptors() - pooled() == before
    check_logs(server, tmp_path)
    gc.collect()  # a socket that somebody forgot is a ResourceWarning, and that is an error here


def pooled() -> int:
    """Descriptors of pipes that are kept for the next bulk transfer."""
    return 2 * len(Pipe._free)


@asynccontextmanager
async def serving(logs: Path) -> AsyncIterator[Server]:
    async with AsyncExitStack() as stack:
        addresses = {"nobody": str(NOBODY), "black-hole": f"127.0.0.1:{stack.enter_context(black_hole())}"}
        for name, script in {"tcp": tcp_puppet, "web": http_puppet, "slam": slam, "snap": snap}.items():
            addresses[name] = str((await stack.enter_async_context(backend(script))).address)
        nursery = await stack.enter_async_context(trio.open_nursery())
        config = parse_config("\n".join(configuration(addresses, logs)), "sessions.toml")
        yield await nursery.start(serve, config)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def holding(server: Server, frontend: str) -> AsyncIterator[None]:
    """Somebody has the only slot of this frontend's pool until the block ends."""
    pool = server.pools[frontend]
    assert pool.take() is not None
    yield
    pool.give_back(pool.backends[0])


def chosen(count: int) -> list[tuple[Way, int]]:
    """Every way equally often, in random order, each session with a seed of its own."""
    rng = Random(SEED)
    ways = (WAYS * (count // len(WAYS) + 1))[:count]
    rng.shuffle(ways)
    return [(way, rng.getrandbits(32)) for way in ways]


async def run_all(server: Server, ways: list[tuple[Way, int]], failures: Counter[str]) -> None:
    todo = iter(ways)

    async def client() -> None:
        for way, seed in todo:
            try:
                await run_one(server, way, seed)
            except Exception as error:  # noqa: BLE001 - the others go on, and all failures are told together
                failures[f"{way.frontend} {way.name} (seed {seed}): {error!r}"] += 1

    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(client)


async def run_one(server: Server, way: Way, seed: int) -> None:
    try:
        wire = await dial(server.addresses[way.frontend + LOGGED * (seed % 2)][0])
    except ConnectionResetError:  # in TCP mode nobody waits for us to speak
        assert way.frontend in ("tcp-refused", "tcp-full"), "reset before it was accepted"
        return
    try:
        with trio.fail_after(STUCK):
            await way.act(wire, Random(seed))
    finally:
        wire.close()


async def nothing_left(server: Server) -> None:
    with trio.move_on_after(STUCK):
        while any(left_over(server).values()):  # noqa: ASYNC110 - there is no event to wait for
            await trio.sleep(0.01)
    left = left_over(server)
    if any(left.values()):
        pytest.fail(pformat(left))


def left_over(server: Server) -> dict[str, object]:
    """idle connections are no left-overs: they belong to nobody."""
    idle = sum(len(backend.idle) for pool in server.pools.values() for backend in pool.backends)
    return {
        "sessions": {name: frontend.active for name, frontend in server.frontends.items() if frontend.active},
        "slots": {
            f"{name} {backend.name}": backend.taken
            for name, pool in server.pools.items()
            for backend in pool.backends
            if backend.taken
        },
        "waiting": {name: pool.waiting for name, pool in server.pools.items() if pool.waiting},
        "timed": [state(timed) for timed in server.wheel.members() if not isinstance(timed, Listener)],
        "registered": len(server.reactor) - listeners(server) - idle,
    }


def state(owner: object, depth: int = 3) -> object:
    """All that it knows of itself, for whoever has to find out why it is still there."""
    names = [name for kind in type(owner).__mro__ for name in getattr(kind, "__slots__", ()) if name not in SHARED]
    if depth == 0 or not type(owner).__module__.startswith("proxy.engine"):
        return repr(owner)[:200]
    return type(owner).__name__, {name: state(getattr(owner, name, None), depth - 1) for name in names}


def listeners(server: Server) -> int:
    return sum(map(len, server.addresses.values()))


def check_logs(server: Server, logs: Path) -> None:
    """One line for each outcome."""
    for name in filter(lambda name: name.endswith(LOGGED), server.frontends):
        lines = [json.loads(line) for line in (logs / name).read_text().splitlines()]
        assert Counter(line["reason"].rpartition("/")[2] for line in lines) == server.frontends[name].outcomes
        for line in lines:
            *spans, total = line["us"].values()
            assert sum(spans) == total, line
            assert min(spans) >= 0, line


def expire_idle(server: Server) -> None:
    for pool in server.pools.values():
        for member in pool.backends:
            member.expire(float("inf"))


def reasons(server: Server) -> Counter[str]:
    return sum((frontend.outcomes for frontend in server.frontends.values()), Counter())


def report(server: Server, count: int, seconds: float) -> None:
    print(f"\n{count} sessions in {len(WAYS)} ways, {AT_ONCE} at once, seed {SEED}: {seconds:.1f} s")
    for name, frontend in server.frontends.items():
        print(f"  {name}: {', '.join(f'{reason} {times}' for reason, times in frontend.outcomes.most_common())}")
