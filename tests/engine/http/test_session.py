"""A client's connection in HTTP mode: what is read as a request, in which order answers come, how it ends."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import os
import select
import socket
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from proxy.core.address import TcpAddress
from proxy.engine.http.exchange import Exchange
from proxy.engine.http.session import HttpSession
from tests.engine.support import (
    GET,
    OK,
    Gate,
    Wire,
    always,
    ask,
    backend,
    client,
    config,
    hello,
    outcomes,
    proxy,
    reason,
    silent,
    slots,
    status,
    until,
)

if TYPE_CHECKING:
    from proxy.serve.server import Server

POST = b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b"
CHUNKED_POST = b"POST /%d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"


async def reflect(wire: Wire) -> None:
    """Answers with the target and the body it got."""
    while True:
        head, body = await wire.request()
        content = head.split(b" ")[1] + b":" + body
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content))


def numbered(number: int) -> bytes:
    return b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number


# ---------------------------------------------------------------------- keep-alive and pipelining


async def test_many_requests_go_over_one_client_connection() -> None:
    async with backend(reflect) as app, proxy(config(app.address)) as server, client(server) as wire:
        for number in range(5):
            await wire.send(numbered(number))
            assert await wire.response() == (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b"/%d:" % number)
        assert server.active == 1
        assert app.connections == 1
        assert slots(server) == 0  # between requests


async def test_pipelined_requests_in_one_segment_are_answered_in_order() -> None:
    async with backend(reflect) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(b"".join(numbered(number) for number in range(20)))
        for number in range(20):
            assert (await wire.response())[1] == b"/%d:" % number


async def test_pipelined_bodies_of_both_kinds_are_kept_apart() -> None:
    bodies = [b"x" * size for size in (0, 1, 5, 300, 4000)]
    async with backend(reflect) as app, proxy(config(app.address)) as server, client(server) as wire:
        data = b""
        for number, body in enumerate(bodies * 2):
            data += (
                POST % (number, len(body), body) if not body or number % 2 else CHUNKED_POST % (number, len(body), body)
            )
        await wire.send(data)
        for number, body in enumerate(bodies * 2):
            answer = (await wire.response())[1]
            assert answer.startswith(b"/%d:" % number)
            assert answer.count(b"x") == len(body)


@pytest.mark.parametrize("first", [POST % (0, 5, b"12345"), CHUNKED_POST % (0, 5, b"12345")], ids=["length", "chunked"])
async def test_request_behind_a_body_that_came_in_pieces_is_served(first: bytes) -> None:
    """Its bytes come on the same edge as the end of the body, and no further event announces them."""
    data = first + numbered(1)
    async with backend(reflect) as app, proxy(config(app.address)) as server, client(server) as wire:
        for cut in range(len(data)):
            await wire.send(data[:cut])
            await trio.testing.wait_all_tasks_blocked()
            await wire.send(data[cut:])
            assert b"12345" in (await wire.response())[1]
            assert (await wire.response())[1] == b"/1:"


async def test_bytes_one_at_a_time_are_the_same_request() -> None:
    async with backend(reflect) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send_slowly(b"\r\n" + CHUNKED_POST % (1, 3, b"abc") + POST % (2, 3, b"def"))
        assert (await wire.response())[1] == b"/1:abc"
        assert (await wire.response())[1] == b"/2:def"


async def test_next_request_is_read_when_the_client_took_the_last_answer_late() -> None:
    """Its bytes and the room to write are announced by one and the same event."""
    body = b"x" * 25_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    async with backend(always(answer)) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(GET)
        await until(lambda: bool(server.wheel.members()))
        (session,) = server.wheel.members()
        count = 1
        while not session.unsent:  # type: ignore[attr-defined]
            await wire.send(GET)
            await trio.testing.wait_all_tasks_blocked()
            count += 1
        wire.buffer = send_and_read_at_once(wire, GET)
        for _ in range(count + 1):
            assert len((await wire.response())[1]) == len(body)


def send_and_read_at_once(wire: Wire, data: bytes) -> bytes:
    """Without letting the proxy run in between."""
    received = b""
    with socket.socket(fileno=os.dup(wire.sock.fileno())) as sock:
        sock.send(data)
        try:
            while part := sock.recv(1 << 20):
                received += part
        except BlockingIOError:
            pass
    return received


async def test_http_1_0_without_keep_alive_is_closed_after_its_answer() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(b"GET / HTTP/1.0\r\n\r\n")
        assert await wire.rest() == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


async def test_http_1_0_with_keep_alive_goes_on() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        for _ in range(3):
            await wire.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            head, body = await wire.response()
            assert b"Connection: keep-alive\r\n" in head
            assert body == b"ok"


async def test_connection_close_is_answered_and_obeyed() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + GET)
        assert await wire.rest() == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


async def test_empty_lines_before_a_request_are_borne_with() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(b"\r\n\r\n" + GET + b"\r\n" + GET)
        assert [(await wire.response())[1] for _ in range(2)] == [b"ok", b"ok"]


async def test_client_that_ends_its_side_behind_the_request_in_hand_is_answered() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(GET)
        assert (await wire.response())[1] == b"ok"
        await wire.end()
        assert await wire.rest() == b""


async def test_backend_is_told_of_the_client_and_not_what_the_client_says_of_itself() -> None:
    heads: list[bytes] = []

    async def note(wire: Wire) -> None:
        heads.append(await wire.head())
        await wire.send(OK)

    async with backend(note) as app, proxy(config(app.address)) as server:
        lies = (
            b"X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\nForwarded: for=9.9.9.9\r\n"
        )
        assert (await ask(server, b"GET / HTTP/1.1\r\nHost: a\r\n" + lies + b"\r\n"))[1] == b"ok"
    assert heads == [
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host: a\r\nVia: 1.1 rproxy\r\n"
        b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n\r\n"
    ]


@pytest.mark.parametrize("size", [2, 100_000], ids=["small", "large"])
async def test_last_request_of_a_connection_is_told_that_it_was_the_last(size: int) -> None:
    body = b"x" * size
    answer = always(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, body))
    async with backend(answer) as app:
        settings = config(app.address, limits={"requests_per_connection": 3})
        async with proxy(settings) as server, client(server) as wire:
            await wire.send(GET * 5)
            for last in (False, False, True):
                head, found = await wire.response()
                assert found == body
                assert (b"Connection: close\r\n" in head) is last
            assert await wire.ended()
            assert outcomes(server) == {"ok": 3}
        assert app.connections == 1  # the backend's connection goes on


async def test_no_limit_of_requests() -> None:
    async with backend(hello) as app:
        settings = config(app.address, limits={"requests_per_connection": 0})
        async with proxy(settings) as server, client(server) as wire:
            await wire.send(GET * 20)
            for _ in range(20):
                assert b"Connection" not in (await wire.response())[0]


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("data", "expected", "why"),
    [
        (b"\x16\x03\x01\x02\x00", 400, "parse/method"),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400, "parse/syntax"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "parse/no-host"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "parse/two-hosts"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "parse/syntax"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "parse/chunk-syntax"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", 413, "parse/body-too-large"),
        (CHUNKED_POST % (0, 101, b"x" * 101), 413, "parse/body-too-large"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417, "parse/expectation"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 2000, 431, "parse/head-too-large"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 2000 + b"\r\n\r\n", 431, "parse/head-too-large"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 20 + b"\r\n", 431, "parse/too-many-fields"),
        (b"FROBNICATE / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "parse/method"),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501, "parse/method"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, "parse/transfer-encoding"),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "parse/version"),
    ],
)  # fmt: skip
async def test_bad_request_gets_its_status_and_never_reaches_a_backend(data: bytes, expected: int, why: str) -> None:
    settings = {"head": 1024, "headers": 10, "body": 100}
    async with backend(silent) as app, proxy(config(app.address, limits=settings)) as server, client(server) as wire:
        await wire.send(data + GET)
        head, body = await wire.response()
        assert (status(head), reason(head)) == (expected, why)
        assert body.decode().endswith(f"\n{why.replace('/', ': ')}\n")
        assert await wire.rest() == b""  # nothing behind it was read as a request
        assert outcomes(server) == {why.partition("/")[2]: 1}
    assert app.requests == []


async def test_no_route_is_404() -> None:
    async with proxy(config(frontend={"pool": None})) as server:
        head, _ = await ask(server)
        assert (status(head), reason(head)) == (404, "route/no-route")


async def test_error_page_for_head_has_no_body() -> None:
    async with proxy(config(frontend={"pool": None})) as server, client(server) as wire:
        await wire.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        head = await wire.head()
        assert status(head) == 404
        assert await wire.rest() == b""


# ---------------------------------------------------------------------- too slow, and the end


async def test_half_a_head_is_408_in_the_end() -> None:
    async with proxy(config(timeouts={"request_head": 0.1})) as server, client(server) as wire:
        await wire.send(b"GET / HTTP/1.1\r\n")
        head, _ = await wire.response()
        assert (status(head), reason(head)) == (408, "read/request-head-timeout")


@pytest.mark.slow
async def test_slow_bytes_do_not_push_the_deadline_of_a_head() -> None:
    async with proxy(config(timeouts={"request_head": 0.2})) as server, client(server) as wire:
        async with trio.open_nursery() as nursery:
            await wire.send(b"GET /")
            nursery.start_soon(drip, wire)
            head, _ = await wire.response()
            assert status(head) == 408
            nursery.cancel_scope.cancel()


async def test_half_a_head_behind_a_request_has_the_time_of_a_head_and_not_of_an_idle_connection() -> None:
    async with backend(hello) as app:
        settings = config(app.address, timeouts={"request_head": 0.1, "keep_alive": 1000})
        async with proxy(settings) as server, client(server) as wire:
            await wire.send(GET + b"GET / HTTP/1.1\r\n")
            assert (await wire.response())[1] == b"ok"
            head, _ = await wire.response()
            assert (status(head), reason(head)) == (408, "read/request-head-timeout")


async def drip(wire: Wire) -> None:
    try:
        while True:
            await wire.send(b"a")
            await trio.sleep(0.02)
    except trio.BrokenResourceError:
        pass


async def test_silent_client_is_closed_without_a_word() -> None:
    async with proxy(config(timeouts={"request_head": 0.1})) as server, client(server) as wire:
        assert await wire.ended()


async def test_idle_connection_is_closed_after_keep_alive() -> None:
    async with backend(hello) as app:
        settings = config(app.address, timeouts={"keep_alive": 0.1})
        async with proxy(settings) as server, client(server) as wire:
            await wire.send(GET)
            assert (await wire.response())[1] == b"ok"
            assert await wire.ended()
            assert outcomes(server) == {"ok": 1}


async def test_client_that_leaves_within_a_head_is_counted_and_gone() -> None:
    async with proxy(config()) as server:
        async with client(server) as wire:
            await wire.send(b"GET / HTT")
        await until(lambda: outcomes(server) == {"incomplete-head": 1})


async def test_client_that_resets_between_requests_is_gone() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(GET)
        await wire.response()
        wire.reset()


async def test_error_page_arrives_although_the_client_goes_on_sending() -> None:
    """A socket closed over unread bytes would send RST, which overtakes the page."""
    async with proxy(config(frontend={"pool": None})) as server, client(server) as wire:
        await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 100_000)
        head, _body = await wire.response()
        assert status(head) == 404
        assert await wire.ended()
        await wire.send(b"x" * 1000)


@pytest.mark.slow
async def test_client_that_never_takes_its_error_page_or_goes_is_closed() -> None:
    async with proxy(config(frontend={"pool": None})) as server, client(server) as wire:
        await wire.send(GET)
        assert status((await wire.response())[0]) == 404
        await until(lambda: server.active == 0)  # LINGER, and then a close over its silence


# ---------------------------------------------------------------------- shutdown


async def test_draining_closes_idle_connections_and_finishes_what_runs() -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(app.address)) as server:
        async with client(server) as idle, client(server) as busy:
            await busy.send(GET)
            await until(lambda: gate.arrived == 1 and server.active == 2)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(server.drain, 5)
                assert await idle.ended()
                gate.open()
                head, body = await busy.response()
                assert body == b"ok"
                assert b"Connection: close\r\n" in head
                busy.close()


async def test_clients_that_are_about_to_ask_when_draining_begins_are_served() -> None:
    """One has just connected, the other has just had its answer; a moment later both would have met a closed door."""
    async with backend(hello) as app, proxy(config(app.address)) as server:
        async with client(server) as new, client(server) as old:
            await old.send(GET)
            await old.response()
            await until(lambda: server.active == 2)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(server.drain, 5)
                await until(lambda: server.frontends["web"].is_draining)
                await trio.testing.wait_all_tasks_blocked(0.01)
                for wire in (new, old):
                    await wire.send(GET)
                    head, body = await wire.response()
                    assert body == b"ok"
                    assert b"Connection: close\r\n" in head
                    wire.close()


async def test_request_that_is_in_the_kernel_when_draining_begins_is_served() -> None:
    """On a new connection that was not accepted yet, and on one that was idle until now."""
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as old:
        await old.send(GET)
        await old.response()
        address = server.addresses["web"][0]
        assert isinstance(address, TcpAddress)
        with socket.create_connection((address.host, address.port)) as new:
            async with trio.open_nursery() as nursery:

                async def visit(wire: Wire) -> None:
                    assert (await wire.response())[1] == b"ok"
                    wire.close()

                nursery.start_soon(visit, old)
                nursery.start_soon(visit, Wire(trio.SocketStream(trio.socket.from_stdlib_socket(new))))
                new.setblocking(False)
                new.send(GET)
                with socket.socket(fileno=os.dup(old.sock.fileno())) as sock:
                    sock.send(GET)
                await server.drain(5)  # begins before any other task runs


async def test_cut_ends_every_session_visibly() -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(app.address)) as server:
        async with client(server) as idle, client(server) as busy:
            await busy.send(GET)
            await until(lambda: gate.arrived == 1 and server.active == 2)
            server.cut()
            assert server.active == slots(server) == 0
            assert not await busy.ended()
            assert not await idle.ended()
            assert outcomes(server) == {"shutdown": 1}


class Refusing:
    """Stands in for a socket's `send`, which may fail or take little at any time."""

    def __init__(self, session: HttpSession, *results: OSError | int) -> None:
        self.session = session
        self.send = session.send
        self.results = list(results)
        session.send = self  # type: ignore[assignment]

    def __call__(self, data: bytes) -> int:
        if not self.results:
            return self.send(data)
        result = self.results.pop(0)
        if isinstance(result, OSError):
            raise result
        return self.send(data[:result])


def only_session(server: Server) -> HttpSession:
    (session,) = server.wheel.members()
    assert isinstance(session, HttpSession)
    return session


async def test_client_that_is_gone_when_its_answer_is_written_leaves_nothing() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        await until(lambda: server.active == 1)
        Refusing(only_session(server), BrokenPipeError())
        await wire.send(GET)
        await until(lambda: server.active == 0)
        assert slots(server) == 0


@pytest.mark.parametrize("result", [BlockingIOError(), 0, 3])
async def test_answer_that_is_taken_in_parts_arrives_whole(result: OSError | int) -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        await until(lambda: server.active == 1)
        Refusing(only_session(server), result)
        await wire.send(GET + GET)
        for _ in range(2):
            assert await wire.response() == (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok")


@pytest.mark.parametrize("results", [[BlockingIOError()], [3], [3, 5], [BrokenPipeError()]])
async def test_interim_responses_that_are_not_taken_at_once_go_before_the_answer(results: list[OSError | int]) -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    for final in (OK, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"):
        async with backend(always(hint + hint + final)) as app, proxy(config(app.address)) as server:
            async with client(server) as wire:
                await until(lambda: server.active == 1)
                Refusing(only_session(server), *results)
                await wire.send(GET)
                expected = hint if isinstance(results[0], BrokenPipeError) else hint + hint
                assert await wire.exactly(len(expected)) == expected
                assert (await wire.response())[1] == b"ok"


async def test_garbage_is_answered_at_once_and_not_when_the_head_is_due() -> None:
    async with proxy(config()) as server, client(server) as wire:
        await wire.send(b"\x16\x03\x01\x02\x00\x01")
        head, _ = await wire.response()
        assert (status(head), reason(head)) == (400, "parse/syntax")


async def test_events_that_mean_nothing_are_borne() -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(app.address)) as server, client(server) as wire:
        await until(lambda: server.active == 1)
        session = only_session(server)
        for mask in (0, select.EPOLLIN, select.EPOLLOUT):
            server.reactor.call_soon(session.on_event, mask)
        await wire.send(GET)
        await until(lambda: gate.arrived == 1)
        exchange = session.exchange
        assert isinstance(exchange, Exchange)
        assert exchange.connection is not None
        for mask in (0, select.EPOLLIN, select.EPOLLOUT):
            server.reactor.call_soon(session.on_event, mask)
            server.reactor.call_soon(exchange.connection.on_event, mask)
        gate.open()
        assert (await wire.response())[1] == b"ok"


async def test_empty_lines_do_not_hold_a_session_for_ever() -> None:
    async with backend(silent) as app:
        settings = config(app.address, timeouts={"request_head": 0.3, "keep_alive": 0.3})
        async with proxy(settings) as server, client(server) as wire:
            await wire.send(b"\r\n")
            await until(lambda: server.active == 1)
            with trio.fail_after(3), pytest.raises(trio.BrokenResourceError):
                await send_empty_lines(wire)


async def send_empty_lines(wire: Wire) -> None:
    """For as long as somebody listens."""
    while True:
        await wire.send(b"\r\n")
        await trio.sleep(0.05)


async def test_names_with_underscores_are_refused_where_the_frontend_says_so() -> None:
    data = b"GET / HTTP/1.1\r\nHost: a\r\napi_key: 1\r\n\r\n"
    async with backend(hello) as app:
        async with proxy(config(app.address, frontend={"underscores": "refuse"})) as server:
            head, _ = await ask(server, data)
            assert (status(head), reason(head)) == (400, "parse/underscore")
        async with proxy(config(app.address)) as server:
            assert status((await ask(server, data))[0]) == 200


async def test_half_an_empty_line_is_no_beginning_of_a_request() -> None:
    """Or CR, LF, CR, LF … could hold a session for ever: the deadline is that of an idle connection still."""
    async with backend(hello) as app:
        settings = config(app.address, timeouts={"keep_alive": 0.1, "request_head": 60.0})
        async with proxy(settings) as server, client(server) as wire:
            await wire.send(GET)
            await wire.response()
            await wire.send(b"\r")
            head, _ = await wire.response()
            assert status(head) == 408
