"""A defect of ours costs one session. Every handler is made to raise once, amid sessions that have no part in it.

A handler is whatever the reactor, the wheel or `call_soon` calls; the steps inside are made to raise too, because who
is charged with an error depends on whose handler was running.
"""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from proxy.core.config import Backend as BackendConfig
from proxy.core.http.request import RequestParser
from proxy.core.http.response import ResponseParser
from proxy.core.pool import Pool
from proxy.engine.backend import LiveBackend
from proxy.engine.flow import Flow, Pipe
from proxy.engine.frontend import Frontend
from proxy.engine.http.body import CodecFlow
from proxy.engine.http.connection import BackendConnection
from proxy.engine.http.download import Download
from proxy.engine.http.exchange import Exchange
from proxy.engine.http.session import HttpSession
from proxy.engine.http.tunnel import Tunnel
from proxy.engine.http.upload import Upload
from proxy.engine.listener import Listener
from proxy.engine.relay import Relay
from proxy.engine.tcp import TcpSession
from tests.engine.support import (
    GET,
    OK,
    Wire,
    ask,
    backend,
    client,
    config,
    descriptors,
    echo,
    proxy,
    silent,
    slots,
    tracebacks,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from proxy.serve.server import Server

BIG = 3 << 20
UPGRADE = b"GET /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


class Boom(Exception):
    """What no handler expects."""


class Trap:
    """Makes one call of one method raise, once it is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, method: str) -> None:
        self.is_set = False
        self.has_sprung = False
        original = getattr(owner, method)

        def trapped(this: object, *args: object, **kwargs: object) -> object:
            if self.is_set:
                self.is_set, self.has_sprung = False, True
                raise Boom(method)
            return original(this, *args, **kwargs)

        monkeypatch.setattr(owner, method, trapped)


async def application(wire: Wire) -> None:
    """`/gate` never answers, `/big` and `/bits` do at length, `/up` switches protocols, `/leave` leaves."""
    while True:
        head, _ = await wire.request()
        path = head.split(b" ")[1]
        if path == b"/gate":
            await silent(wire)
        elif path == b"/big":
            await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG + b"x" * BIG)
        elif path == b"/bits":
            await wire.send(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 90_000 + b"0\r\n\r\n"
            )
        elif path == b"/up":
            await wire.send(SWITCHED)
            await echo(wire)
            return
        elif path == b"/leave":
            await wire.send(OK)
            return
        elif path == b"/early":
            await wire.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)
        else:
            await wire.send(OK)


async def simple(wire: Wire) -> None:
    await wire.send(GET)
    await wire.response()


async def closing(wire: Wire) -> None:
    await wire.send(b"GET /early HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    await wire.rest()


async def pipelined(wire: Wire) -> None:
    await wire.send(GET * 3)
    for _ in range(3):
        await wire.response()


async def upload(wire: Wire) -> None:
    await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % BIG + b"x" * 10)
    await wire.send(b"x" * (BIG - 10))
    await wire.response()


async def chunked_upload(wire: Wire) -> None:
    await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    await wire.send(b"%x\r\n" % BIG + b"x" * BIG + b"\r\n0\r\n\r\n")
    await wire.response()


async def download(wire: Wire) -> None:
    await wire.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
    await wire.response()


async def chunked_download(wire: Wire) -> None:
    await wire.send(b"GET /bits HTTP/1.1\r\nHost: a\r\n\r\n")
    await wire.until(b"\r\n0\r\n\r\n")


async def tunnel(wire: Wire) -> None:
    await wire.send(UPGRADE)
    await wire.head()
    await both_ways(wire)


async def both_ways(wire: Wire) -> None:
    """More than a relay moves at one go, in one direction after the other; then the end."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wire.send, b"x" * BIG)
        await wire.exactly(BIG)
    await wire.end()
    await wire.rest()


async def bad(wire: Wire) -> None:
    await wire.send(b"GET / HTTP/1.1\r\n\r\n")
    await wire.rest()


async def slow(wire: Wire) -> None:
    await wire.send(b"GET / HT")
    await wire.rest()


async def never_answered(wire: Wire) -> None:
    await wire.send(b"GET /gate HTTP/1.1\r\nHost: a\r\n\r\n")
    await wire.rest()


async def impatient(wire: Wire) -> None:
    """The next request comes while the first is being answered."""
    await wire.send(b"GET /gate HTTP/1.1\r\nHost: a\r\n\r\n")
    await trio.testing.wait_all_tasks_blocked()
    await wire.send(GET)
    await wire.rest()


async def backend_leaves(wire: Wire) -> None:
    await wire.send(b"GET /leave HTTP/1.1\r\nHost: a\r\n\r\n")
    await wire.response()
    await wire.rest()


HTTP = [
    (HttpSession, "on_event", simple), (HttpSession, "_parse", simple),
    (HttpSession, "_start", simple), (HttpSession, "write", simple), (HttpSession, "next", simple),
    (HttpSession, "write_interim", closing), (HttpSession, "_linger", closing),
    (HttpSession, "_discard", closing), (HttpSession, "_discard", bad), (HttpSession, "refuse", bad),
    (HttpSession, "timed_out", slow), (HttpSession, "_wait_for_rest", slow), (HttpSession, "_client_ended", simple),
    (RequestParser, "parse", simple), (ResponseParser, "parse", simple), (Frontend, "record", bad),
    (Exchange, "__init__", simple), (Exchange, "start", simple), (Exchange, "on_backend", simple),
    (Exchange, "_read_head", simple), (Exchange, "_finish_whole", simple), (BackendConnection, "__init__", simple),
    (Exchange, "finish", simple), (Exchange, "timed_out", never_answered), (Exchange, "on_client", impatient),
    (Exchange, "on_client", upload), (Exchange, "upload_done", upload), (Exchange, "_switch_protocols", tunnel),
    (HttpSession, "next", pipelined), (HttpSession, "_parse", pipelined), (HttpSession, "_start", pipelined),
    (Exchange, "__init__", pipelined), (Pool, "take", simple), (Pool, "take", pipelined), (LiveBackend, "dial", simple),
    (LiveBackend, "take_idle", simple), (BackendConnection, "on_event", simple),
    (BackendConnection, "register", simple), (BackendConnection, "on_event", backend_leaves),
    (Upload, "begin", upload), (Upload, "pump", upload), (Upload, "_stopped", upload), (Upload, "_done", upload),
    (Upload, "pump_into_backend", upload), (Upload, "pump", chunked_upload), (Upload, "_pump_again", upload),
    (Flow, "pump", upload), (Flow, "_splice", upload), (Flow, "_splice", download), (Flow, "pump", tunnel),
    (CodecFlow, "pump", chunked_upload), (CodecFlow, "pump", chunked_download),
    (Download, "begin", download), (Download, "pump", download), (Download, "_stopped", download),
    (Download, "_done", download), (Download, "_pump_again", chunked_download),
    (Tunnel, "__init__", tunnel), (Tunnel, "start", tunnel), (Relay, "on_client", tunnel),
    (Relay, "on_server", tunnel), (Relay, "pump_up", tunnel), (Relay, "pump_down", tunnel),
    (Relay, "_up_stopped", tunnel), (Relay, "_down_stopped", tunnel), (Relay, "_end_if_both_did", tunnel),
]  # fmt: skip
TCP = [
    (TcpSession, "_begin"), (TcpSession, "_pick"), (TcpSession, "on_connecting"),
    (TcpSession, "_connected"), (TcpSession, "begin_relay"), (Relay, "on_client"), (Relay, "on_server"),
    (Relay, "pump_up"), (Relay, "pump_down"), (Relay, "_up_stopped"), (Relay, "_down_stopped"),
    (Relay, "_end_if_both_did"), (Relay, "_pump_up_again"), (Relay, "_pump_down_again"), (Flow, "pump"),
    (Flow, "_splice"), (LiveBackend, "dial"), (Pool, "take"),
]  # fmt: skip


def names(value: Any) -> str:
    return getattr(value, "__name__", value)


async def quietly(act: Callable[[Wire], Awaitable[object]], wire: Wire) -> None:
    """The victim: it sees its answers, an end, or a reset, and never waits in vain."""
    try:
        await act(wire)
    except (EOFError, trio.BrokenResourceError):
        pass
    except BaseExceptionGroup as group:
        if group.split((EOFError, trio.BrokenResourceError, trio.Cancelled))[1] is not None:
            raise


async def fall_victim(server: Server, act: Callable[[Wire], Awaitable[object]]) -> None:
    try:
        async with client(server) as victim:
            await quietly(act, victim)
    except OSError:
        pass  # reset before `connect` had returned


def yield_after_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.engine.flow.MAX_ROUNDS", 1)
    monkeypatch.setattr("proxy.engine.http.body.MAX_ROUNDS", 1)


@pytest.mark.parametrize(("owner", "method", "act"), HTTP, ids=names)
async def test_http_handler_that_raises_ends_its_session_only(
    owner: type,
    method: str,
    act: Callable[[Wire], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    trap = Trap(monkeypatch, owner, method)
    if method == "_pump_again":
        yield_after_one_read(monkeypatch)
    patience = {"request_head": 0.1 if act is slow else 10.0}
    patience_of_pool = {"response_head": 0.1 if act is never_answered else 10.0}
    async with backend(application) as app:
        settings = config(app.address, timeouts=patience, pool_timeouts=patience_of_pool)
        async with proxy(settings, crashes=1) as server, client(server) as idle, client(server) as busy:
            await simple(idle)
            await busy.send(UPGRADE)
            assert await busy.head() == SWITCHED
            async with client(server) as victim:
                await until(lambda: server.active == 3)
                trap.is_set = True
                await quietly(act, victim)
            await until(lambda: trap.has_sprung and server.active == 2)
            assert slots(server) == 1
            await simple(idle)
            await busy.send(b"still here")
            assert await busy.exactly(10) == b"still here"
            assert (await ask(server))[1] == b"ok"
        assert [type(record.exc_info[1]) for record in tracebacks(caplog) if record.exc_info] == [Boom]


@pytest.mark.parametrize(("owner", "method"), TCP, ids=names)
async def test_tcp_handler_that_raises_ends_its_session_only(
    owner: type, method: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trap = Trap(monkeypatch, owner, method)
    if method.endswith("_again"):
        yield_after_one_read(monkeypatch)
    async with backend(echo) as app, proxy(config(app.address, mode="tcp"), crashes=1) as server:
        async with client(server) as bystander:
            await bystander.send(b"a")
            assert await bystander.exactly(1) == b"a"
            trap.is_set = True
            await fall_victim(server, both_ways)
            assert trap.has_sprung
            await until(lambda: server.active == 1)
            assert slots(server) == 1
            await bystander.send(b"b")
            assert await bystander.exactly(1) == b"b"
        assert [type(record.exc_info[1]) for record in tracebacks(caplog) if record.exc_info] == [Boom]


# ---------------------------------------------------------------------- handlers that need a situation of their own


@pytest.mark.parametrize(
    ("mode", "owner", "step"),
    [("http", LiveBackend, "dial"), ("http", BackendConnection, "register"), ("tcp", LiveBackend, "dial")],
)
async def test_slot_given_to_work_that_raises_comes_back(
    mode: str, owner: type, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = Trap(monkeypatch, owner, step)
    async with backend(application) as app:
        only = BackendConfig(address=app.address, max_connections=1)
        async with proxy(config(only, mode=mode), crashes=1) as server:
            async with client(server) as first, client(server) as victim:
                await first.send(b"GET /gate HTTP/1.1\r\nHost: a\r\n\r\n")
                await until(lambda: slots(server) == 1)
                await victim.send(GET)
                await until(lambda: server.pools["app"].waiting == 1)
                trap.is_set = True
                first.close()
                await quietly(simple, victim)
                assert trap.has_sprung
                await until(lambda: server.active == 0)
                assert slots(server) == 0
            assert (await ask(server))[1] == b"ok"


@pytest.mark.parametrize("method", ["on_waiting_client", "timed_out"])
async def test_tcp_session_that_raises_while_it_waits_for_a_slot_leaves_the_queue(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = Trap(monkeypatch, TcpSession, method)
    async with backend(echo) as app:
        only = BackendConfig(address=app.address, max_connections=1)
        async with proxy(config(only, mode="tcp", pool_timeouts={"queue": 0.1}), crashes=1) as server:
            async with client(server) as first, client(server) as victim:
                await first.send(b"a")
                await first.exactly(1)
                await until(lambda: server.pools["app"].waiting == 1)
                trap.is_set = True
                if method == "on_waiting_client":
                    await victim.end()
                await quietly(Wire.rest, victim)  # type: ignore[arg-type]
                assert trap.has_sprung
                assert server.pools["app"].waiting == 0
                await first.send(b"b")
                assert await first.exactly(1) == b"b"


async def test_tcp_session_that_raises_when_its_relay_was_silent_for_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    trap = Trap(monkeypatch, Relay, "timed_out")
    async with backend(silent) as app:
        async with proxy(config(app.address, mode="tcp", timeouts={"idle": 0.1}), crashes=1) as server:
            async with client(server) as victim:
                trap.is_set = True
                assert not await victim.ended()


@pytest.mark.parametrize("method", ["on_event", "timed_out"])
async def test_listener_that_raises_goes_on_accepting(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = Trap(monkeypatch, Listener, method)
    async with backend(application) as app, proxy(config(app.address), crashes=1) as server:
        if method == "timed_out":
            server._accepting[0].deadline = 0.0
            server.wheel.add(server._accepting[0])
        trap.is_set = True
        assert (await ask(server))[1] == b"ok"
        await until(lambda: trap.has_sprung)
        assert (await ask(server))[1] == b"ok"


@pytest.mark.parametrize("mode", ["http", "tcp"])
async def test_session_that_cannot_even_be_made_is_not_counted(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = Trap(monkeypatch, {"http": HttpSession, "tcp": TcpSession}[mode], "__init__")
    async with backend(application) as app, proxy(config(app.address, mode=mode), crashes=1) as server:
        trap.is_set = True
        await fall_victim(server, simple)
        assert trap.has_sprung
        await until(lambda: server.active == 0)
        assert (await ask(server))[1] == b"ok"


async def test_idle_connection_that_raises_is_not_lent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with backend(application) as app, proxy(config(app.address), crashes=1) as server:
        trap = Trap(monkeypatch, BackendConnection, "on_event")
        assert (await ask(server))[1] == b"ok"
        (only,) = server.pools["app"].backends
        assert len(only.idle) == 1
        trap.is_set = True
        server.reactor.call_soon(only.idle[0].on_event, 1)  # type: ignore[attr-defined]
        await until(lambda: trap.has_sprung)
        assert only.idle == []
        assert (await ask(server, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"))[1] == b"ok"


async def test_error_within_the_end_of_a_session_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The boundary itself holds: nothing that `crashed` does can stop the reactor."""
    async with backend(application) as app, proxy(config(app.address), crashes=1) as server:
        trap = Trap(monkeypatch, HttpSession, "_start")

        def fails(session: HttpSession, error: Exception) -> None:
            session.close()
            raise Boom

        monkeypatch.setattr(HttpSession, "crashed", fails)
        trap.is_set = True
        async with client(server) as victim:
            await quietly(simple, victim)
        assert (await ask(server))[1] == b"ok"


async def test_no_descriptor_is_left_by_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()
    before = descriptors()
    traps = [
        (Flow, "_splice", upload), (Flow, "_splice", download), (Tunnel, "start", tunnel),
        (LiveBackend, "dial", simple),
        (BackendConnection, "register", simple), (HttpSession, "next", simple),
    ]  # fmt: skip
    async with backend(application) as app, proxy(config(app.address), crashes=len(traps)) as server:
        for owner, method, act in traps:
            trap = Trap(monkeypatch, owner, method)
            trap.is_set = True
            async with client(server) as victim:
                await quietly(act, victim)
            await until(lambda: server.active == 0)
            assert trap.has_sprung
    assert descriptors() <= before + 2 * len(Pipe._free)
