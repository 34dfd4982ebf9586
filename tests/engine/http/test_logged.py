"""The access log of exchanges: one line for each, however it ended, with its reason, its bytes and its times."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from proxy.core.config import Backend, Respond, Route
from tests.engine.logs import Log
from tests.engine.support import (
    GET,
    NOBODY,
    OK,
    Gate,
    Wire,
    always,
    ask,
    backend,
    client,
    config,
    echo,
    hello,
    outcomes,
    proxy,
    silent,
    unanswering,
    until,
)
from tests.engine.tls_wire import tls_client, tls_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Script = Callable[[Wire], Awaitable[None]]

CLOSE = b"Connection: close\r\n\r\n"
GET_CLOSE = b"GET / HTTP/1.1\r\nHost: a\r\n" + CLOSE
POST = b"POST /p HTTP/1.1\r\nHost: a\r\n"
BODY = bytes(range(256)) * 4000


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


async def talk(wire: Wire, data: bytes) -> bytes:
    """All that comes back until the other side ends."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wire.send, data)
        return await wire.rest()


def large(body: bytes = BODY) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\n\r\n"
WHOLE = {
    "small": (GET_CLOSE, OK, 200),
    "HEAD": (b"HEAD" + GET_CLOSE[3:], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 200),
    "no content": (GET_CLOSE, b"HTTP/1.1 204 No Content\r\n\r\n", 204),
    "of HTTP/1.0": (b"GET / HTTP/1.0\r\n\r\n", OK, 200),
    "interim": (GET_CLOSE, EARLY * 3 + OK, 200),
    "interim and large": (GET_CLOSE, EARLY * 3 + large(), 200),
    "large": (GET_CLOSE, large(), 200),
    "chunks": (GET_CLOSE, CHUNKS, 200),
    "chunks for HTTP/1.0": (b"GET / HTTP/1.0\r\n\r\n", CHUNKS, 200),
    "small body": (POST + b"Content-Length: 3\r\n" + CLOSE + b"abc", OK, 200),
    "large body": (POST + b"Content-Length: %d\r\n" % len(BODY) + CLOSE + BODY, OK, 200),
    "body in chunks": (POST + CHUNKED + CLOSE + b"3;x=y\r\nabc\r\n0\r\n\r\n", OK, 200),
    "large body in chunks": (
        POST + CHUNKED + CLOSE + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY), OK, 200
    ),
    "failure of the application": (GET_CLOSE, b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 500),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
async def test_bytes_of_whole_exchanges_are_exact(log: Log, case: str) -> None:
    data, answer, status = WHOLE[case]
    async with backend(always(answer)) as app:
        async with proxy(config(app.address, frontend=log.settings)) as server, client(server) as wire:
            received = await talk(wire, data)
    line = log.line
    assert (line["status"], line["backend_status"], line["reason"]) == (status, status, "ok")
    assert (line["bytes_in"], line["bytes_out"]) == (len(data), len(received))
    assert (line["pool"], line["backend"], line["tries"]) == ("app", str(app.address), 1)


REFUSED = {
    "parse/syntax": (b"\x16\x03\x01\x02", 400, None),
    "parse/no-host": (b"GET /x?y HTTP/1.1\r\n\r\n", 400, "/x"),
    "parse/head-too-large": (b"GET /x HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 20_000, 431, "/x"),
    "parse/too-many-fields": (b"GET /x HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431, "/x"),
    "parse/expectation": (b"GET /x HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417, "/x"),
    "parse/method": (b"BREW /x HTTP/1.1\r\nHost: a\r\n\r\n", 501, "/x"),
    "parse/version": (b"GET /x HTTP/2.0\r\nHost: a\r\n\r\n", 505, "/x"),
    "route/no-route": (b"GET /x HTTP/1.1\r\nHost: other\r\n" + CLOSE, 404, "/x"),
    "parse/body-too-large": (POST + b"Content-Length: 5\r\n\r\nabcde", 413, "/p"),
    "parse/chunk-syntax": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "/p"),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
async def test_requests_that_are_refused(log: Log, why: str) -> None:
    data, status, target = REFUSED[why]
    settings = {**log.settings, "pool": None, "routes": (Route(host="a", pool="app"),)}
    async with backend(hello) as app:
        async with proxy(config(app.address, limits={"body": 4}, frontend=settings)) as server:
            async with client(server) as wire:
                await wire.send(data)
                received = await wire.rest()
    line = log.line
    assert (line["reason"], line["status"], line["backend_status"], line["target"]) == (why, status, None, target)
    assert (line["bytes_in"], line["bytes_out"]) == (len(data), len(received))
    assert (line["backend"], line["tries"]) == (None, 0)


async def _close(wire: Wire) -> None:
    await wire.request()


async def _close_in_head(wire: Wire) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 200 OK\r\n")


BROKEN: dict[str, tuple[Script, int, int | None]] = {
    "answer/closed-before-answer": (_close, 502, None),
    "answer/closed-in-head": (_close_in_head, 502, None),
    "answer/closed-in-body": (always(large()[:-1], then_close=True), 502, 200),
    "parse/response-syntax": (always(b"HTTP/1.1 200 OK\r\nX y\r\n\r\n"), 502, None),
    "parse/response-chunks": (always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), 502, 200),
    "parse/unasked-upgrade": (always(b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), 502, 101),
}


@pytest.mark.parametrize("why", BROKEN)
async def test_backends_that_break_off(log: Log, why: str) -> None:
    script, status, backend_status = BROKEN[why]
    async with backend(script) as app:
        async with proxy(config(app.address, frontend=log.settings)) as server, client(server) as wire:
            await wire.send(GET_CLOSE)
            try:
                await wire.rest()
            except trio.BrokenResourceError:
                pass
    line = log.line
    assert (line["reason"], line["status"], line["backend_status"]) == (why, status, backend_status)
    assert (line["backend"], line["bytes_in"]) == (str(app.address), len(GET_CLOSE))


async def test_nobody_listens(log: Log) -> None:
    async with proxy(config(NOBODY, NOBODY, frontend=log.settings)) as server:
        await ask(server)
    line = log.line
    assert (line["reason"], line["status"], line["backend"], line["tries"]) == (
        "dial/connect-refused", 502, str(NOBODY), 2,
    )  # fmt: skip


async def test_another_backend_is_another_try(log: Log) -> None:
    async with backend(hello) as app, proxy(config(NOBODY, app.address, frontend=log.settings)) as server:
        await ask(server)
    line = log.line
    assert (line["reason"], line["backend"], line["tries"], line["reused"]) == ("ok", str(app.address), 2, False)


async def test_exchanges_of_a_connection_are_numbered(log: Log) -> None:
    async with backend(hello) as app, proxy(config(app.address, frontend=log.settings)) as server:
        async with client(server) as wire:
            for _ in range(3):
                await wire.send(GET)
                await wire.response()
        await ask(server)
    lines = log.lines
    assert [line["exchange"] for line in lines] == [1, 2, 3, 1]
    assert [line["reused"] for line in lines] == [False, True, True, True]
    assert len({line["session"] for line in lines}) == 2
    assert [line["session"] for line in lines[:3]] == [lines[0]["session"]] * 3
    assert lines[0]["client"] == "127.0.0.1"
    assert lines[0]["client_port"] == lines[1]["client_port"] != lines[3]["client_port"]


async def test_bytes_of_requests_that_came_together(log: Log) -> None:
    second = POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    third = POST + b"Content-Length: 4\r\n\r\nabcd"
    async with backend(hello) as app, proxy(config(app.address, frontend=log.settings)) as server:
        async with client(server) as wire:
            received = await talk(wire, GET + second + third + GET_CLOSE)
    lines = log.lines
    assert [line["bytes_in"] for line in lines] == [len(GET), len(second), len(third), len(GET_CLOSE)]
    assert sum(line["bytes_out"] for line in lines) == len(received)


async def test_a_client_that_leaves_while_it_waits(log: Log) -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(app.address, frontend=log.settings)) as server:
        async with client(server) as wire:
            await wire.send(GET)
            await until(lambda: gate.arrived == 1)
        await until(lambda: server.active == 0)
        gate.open()
    line = log.line
    assert (line["reason"], line["status"], line["backend_status"]) == ("read/client-gone", 499, None)
    assert (line["bytes_in"], line["bytes_out"]) == (len(GET), 0)


async def test_a_client_that_leaves_within_the_answer(log: Log) -> None:
    async with backend(always(large(b"x" * (16 << 20)))) as app:
        async with proxy(config(app.address, frontend=log.settings)) as server, client(server) as wire:
            await wire.send(GET)
            await wire.exactly(1000)
            wire.reset()
    line = log.line
    assert (line["status"], line["backend_status"]) == (499, 200)
    assert 1000 <= line["bytes_out"] < 16 << 20


async def test_a_client_that_leaves_within_its_body(log: Log) -> None:
    data = POST + b"Content-Length: 100\r\n\r\nhalf"
    async with backend(silent) as app, proxy(config(app.address, frontend=log.settings)) as server:
        async with client(server) as wire:
            await wire.send(data)
            await until(lambda: app.connections == 1)
    line = log.line
    assert (line["status"], line["bytes_in"], line["bytes_out"]) == (499, len(data), 0)


async def test_a_client_that_leaves_within_its_head(log: Log) -> None:
    async with backend(hello) as app, proxy(config(app.address, frontend=log.settings)) as server:
        async with client(server) as wire:
            await wire.send(GET + GET[:10])
            await wire.response()
    lines = log.lines
    assert [line["reason"] for line in lines] == ["ok", "parse/incomplete-head"]
    assert [line["bytes_in"] for line in lines] == [len(GET), 10]
    assert [line["exchange"] for line in lines] == [1, 2]


async def test_a_small_answer_that_is_not_taken(log: Log) -> None:
    answer = large(b"x" * 20_000)
    async with backend(always(answer)) as app, proxy(config(app.address, frontend=log.settings)) as server:
        async with client(server) as wire:
            await wire.send(GET * 1000)
            await until(lambda: any(getattr(timed, "unsent", b"") for timed in server.wheel.members()))
            wire.reset()
        await until(lambda: server.active == 0)
        count = server.pools["app"].backends[0].picked
    lines = log.lines
    assert len(lines) == count
    assert [line["reason"] for line in lines] == ["ok"] * (count - 1) + ["write/client-gone"]
    assert lines[-1]["bytes_out"] < lines[0]["bytes_out"] == len(answer)


@pytest.mark.slow
async def test_time_outs(log: Log) -> None:
    short: dict[str, Any] = {
        "timeouts": {"request_head": 0.1, "request_body": 0.1},
        "pool_timeouts": {"response_head": 0.2, "queue": 0.1, "connect": 0.2},
    }
    async with backend(silent) as app:
        limited = Backend(address=app.address, max_connections=1)
        async with proxy(config(limited, frontend=log.settings, **short)) as server:
            async with client(server) as one, client(server) as two, client(server) as three:
                await one.send(GET)
                await until(lambda: app.connections == 1)
                await two.send(GET)
                await three.send(GET[:5])
                for wire in (two, three, one):
                    await wire.rest() if wire is three else await wire.response()
    assert {line["reason"]: line["status"] for line in log.lines} == {
        "read/request-head-timeout": 408, "pick/queue-timeout": 503, "answer/response-head-timeout": 504,
    }  # fmt: skip
    spans = {line["reason"].partition("/")[0]: line["us"] for line in log.lines}
    assert all(spans[phase][phase] == spans[phase]["total"] > 50_000 for phase in ("read", "pick", "answer"))


@pytest.mark.slow
async def test_a_connect_that_is_not_answered(log: Log) -> None:
    with unanswering() as address:
        async with proxy(config(address, frontend=log.settings, pool_timeouts={"connect": 0.2}, retries=0)) as server:
            await ask(server)
    line = log.line
    assert (line["reason"], line["us"]["dial"]) == ("dial/connect-timeout", line["us"]["total"])


UPGRADE = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


async def switch(wire: Wire) -> None:
    await wire.head()
    await wire.send(SWITCH)
    await wire.send(wire.buffer)
    await echo(wire)


async def test_a_tunnel_is_logged_when_it_ends_with_bytes_both_ways(log: Log) -> None:
    data = UPGRADE + b"early " + BODY
    async with backend(switch) as app, proxy(config(app.address, frontend=log.settings)) as server:
        async with client(server) as wire:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wire.send, data)
                received = await wire.head()
                received += await wire.exactly(len(BODY) + 6)
            assert outcomes(server) == {}
            await wire.end()
            received += await wire.rest()
    line = log.line
    assert (line["status"], line["reason"], line["backend_status"]) == (101, "ok", 101)
    assert (line["bytes_in"], line["bytes_out"]) == (len(data), len(received))
    assert line["us"]["tunnel"] > 0


async def test_what_is_cut_at_the_end_is_logged(log: Log) -> None:
    gate = Gate()
    async with backend(gate) as app, backend(switch) as other:
        async with proxy(config(app.address, other.address, frontend=log.settings)) as server:
            async with client(server) as one, client(server) as two:
                await one.send(GET)
                await until(lambda: gate.arrived == 1)
                await two.send(UPGRADE)
                await two.head()
                server.cut()
                gate.open()
    assert sorted((line["reason"], line["status"]) for line in log.lines) == [
        ("answer/shutdown", 503), ("tunnel/shutdown", 503),
    ]  # fmt: skip


async def test_only_errors(tmp_path: Path) -> None:
    log = Log(tmp_path, only="errors")
    failing = always(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    async with backend(hello) as app, backend(failing) as bad:
        async with proxy(config(app.address, bad.address, frontend=log.settings)) as server:
            await ask(server)
            await ask(server)
            await ask(server, b"GET / HTTP/1.1\r\n\r\n")
    assert [line["status"] for line in log.lines] == [500, 400]


async def test_with_a_deadline_for_the_whole_exchange_too(log: Log) -> None:
    async with backend(hello) as app:
        async with proxy(config(app.address, timeouts={"exchange": 5.0}, frontend=log.settings)) as server:
            await ask(server)
    assert log.line["reason"] == "ok"


async def test_a_head_in_pieces_takes_its_time_to_read(log: Log) -> None:
    async with backend(hello) as app, proxy(config(app.address, frontend=log.settings)) as server:
        async with client(server) as wire:
            await wire.send_slowly(GET)
            await wire.response()
    assert log.line["us"]["read"] > 0
    assert log.line["bytes_in"] == len(GET)


async def test_the_client_is_who_a_trusted_proxy_says(log: Log) -> None:
    def claim(host: bytes) -> bytes:
        return b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: %b\r\n\r\n" % host

    settings = {**log.settings, "trusted_proxies": ("127.0.0.0/8",)}
    async with backend(hello) as app, proxy(config(app.address, frontend=settings)) as server:
        async with client(server) as wire:
            for host in (b"203.0.113.1", b"203.0.113.2", b"203.0.113.2"):
                await wire.send(claim(host))
                await wire.response()
    lines = log.lines
    assert [line["client"] for line in lines] == ["203.0.113.1", "203.0.113.2", "203.0.113.2"]
    assert [line["client_port"] for line in lines] == [None] * 3
    assert len({line["session"] for line in lines}) == 1


async def test_what_is_told_to_backends_is_not_what_is_logged(log: Log) -> None:
    settings = {**log.settings, "set_request_headers": {"X-Id": "{request_id}", "User-Agent": "rproxy"}}
    async with backend(hello) as app, proxy(config(app.address, frontend=settings)) as server:
        for _ in range(3):
            await ask(server, b"GET /a HTTP/1.1\r\nHost: a\r\nReferer: http://b/\r\n\r\n")
    assert [(line["target"], line["referer"]) for line in log.lines] == [("/a", "http://b/")] * 3


async def test_replies_of_our_own(log: Log) -> None:
    settings = {**log.settings, "pool": None, "respond": Respond(status=200, body="hello")}
    async with proxy(config(NOBODY, frontend=settings)) as server, client(server) as wire:
        received = await talk(wire, GET + GET_CLOSE)
    lines = log.lines
    assert [(line["status"], line["reason"], line["pool"], line["backend"]) for line in lines] == [
        (200, "ok", None, None),
    ] * 2  # fmt: skip
    assert sum(line["bytes_out"] for line in lines) == len(received)


async def test_a_body_that_comes_behind_its_answer_is_not_of_the_next_request(log: Log) -> None:
    async def answers_early(wire: Wire) -> None:
        while True:
            await wire.head()
            await wire.send(OK)

    async with backend(answers_early) as app, proxy(config(app.address, frontend=log.settings)) as server:
        async with client(server) as wire:
            await wire.send(POST + b"Content-Length: 10\r\n\r\n")
            await wire.response()
            await wire.send(b"0123456789" + GET)
            await wire.response()
    lines = log.lines
    assert [line["reason"] for line in lines] == ["ok", "ok"]
    assert lines[1]["bytes_in"] == len(GET)


async def test_over_tls_the_bytes_are_those_within_it(log: Log, tmp_path: Path) -> None:
    settings = {**log.settings, "tls": tls_settings(tmp_path)}
    async with backend(always(large())) as app, proxy(config(app.address, frontend=settings)) as server:
        async with tls_client(server) as wire:
            data = POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wire.send, data)
                head, body = await wire.response()
    line = log.line
    assert line["tls"] == "TLSv1.3"
    assert line["cipher"].startswith("TLS_")
    assert (line["bytes_in"], line["bytes_out"]) == (len(data), len(head) + len(body))


async def test_a_handshake_that_fails(log: Log, tmp_path: Path) -> None:
    settings = {**log.settings, "tls": tls_settings(tmp_path)}
    async with proxy(config(NOBODY, frontend=settings)) as server, client(server) as wire:
        await wire.send(GET)
        await wire.rest()
    line = log.line
    assert (line["reason"], line["exchange"], line["method"], line["tls"]) == (
        "accept/plain-http-on-tls-port", None, None, None,
    )  # fmt: skip
