"""One request and its answer: which backend, which connection, when it is tried again, what the client is told."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import Backend as BackendConfig
from proxy.core.config import HealthCheck
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
    dial,
    hello,
    outcomes,
    proxy,
    reason,
    silent,
    slots,
    status,
    unanswering,
    unanswering_socket,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.engine.backend import LiveBackend
    from proxy.serve.server import Server

POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"


def only_backend(server: Server) -> LiveBackend:
    (only,) = server.pools["app"].backends
    return only


# ---------------------------------------------------------------------- idle connections


async def test_idle_connection_is_used_again_and_by_other_clients() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server:
        for _ in range(5):
            await ask(server)
        assert app.connections == 1


async def test_idle_connections_are_bounded() -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(app.address, idle_connections=2)) as server:
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(ask, server)
            await until(lambda: gate.arrived == 5)
            gate.open()
        assert len(only_backend(server).idle) == 2
        await until(lambda: app.open == 2)


async def test_idle_connection_expires() -> None:
    async with backend(hello) as app, proxy(config(app.address, pool_timeouts={"idle": 0.1})) as server:
        await ask(server)
        only = only_backend(server)
        only.expire(only.idle[0].idle_since + 0.1)
        assert only.idle == []
        await until(lambda: app.open == 0)


async def test_idle_connection_that_the_backend_closes_is_forgotten() -> None:
    async with backend(always(OK, then_close=True)) as app, proxy(config(app.address)) as server:
        for number in range(3):
            await ask(server)
            await until(lambda: only_backend(server).idle == [])
            assert app.connections == number + 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + b"x",
        OK + OK,
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nx",
    ],
)
async def test_connection_that_may_not_be_clean_is_not_used_again(answer: bytes) -> None:
    async with backend(always(answer)) as app, proxy(config(app.address)) as server:
        for number in range(2):
            assert status((await ask(server))[0]) in (200, 204)
            assert only_backend(server).idle == []
            assert app.connections == number + 1


class Stale:
    """A backend whose first connection is dead from its second request on, as one is whose idle time ran out."""

    def __init__(self, *, by_reset: bool = False) -> None:
        self.requests = 0
        self.connections = 0
        self.by_reset = by_reset

    async def __call__(self, wire: Wire) -> None:
        self.connections += 1
        is_first = self.connections == 1
        while True:
            await wire.request()
            self.requests += 1
            if is_first and self.requests == 2:
                if self.by_reset:
                    wire.reset()
                return
            await wire.send(OK)


@pytest.mark.parametrize("by_reset", [False, True])
async def test_get_over_a_stale_connection_is_sent_again_over_a_new_one(by_reset: bool) -> None:
    stale = Stale(by_reset=by_reset)
    async with backend(stale) as app, proxy(config(app.address)) as server:
        for _ in range(3):
            assert (await ask(server))[1] == b"ok"
        assert stale.connections == 2
        assert outcomes(server) == {"ok": 3}


@pytest.mark.parametrize("by_reset", [False, True])
async def test_post_over_a_stale_connection_is_not_sent_twice(by_reset: bool) -> None:
    stale = Stale(by_reset=by_reset)
    async with backend(stale) as app, proxy(config(app.address)) as server:
        assert (await ask(server, POST))[1] == b"ok"
        head, _ = await ask(server, POST)
        assert status(head) == 502
        assert reason(head) in ("answer/closed-before-answer", "answer/backend-reset")
        assert (stale.requests, stale.connections) == (2, 1)


class Unsendable:
    """An idle connection that the kernel knows to be dead."""

    def __call__(self, data: bytes) -> int:
        raise OSError(errno.EPIPE, "Broken pipe")


@pytest.mark.parametrize("request_head", [GET, POST])
async def test_what_could_not_even_be_sent_is_sent_over_a_new_connection_whatever_it_is(request_head: bytes) -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server:
        await ask(server)
        only_backend(server).idle[0].send = Unsendable()  # type: ignore[attr-defined]
        assert (await ask(server, request_head))[1] == b"ok"
        assert app.connections == 2
        assert outcomes(server) == {"ok": 2}


async def test_half_an_answer_over_a_reused_connection_is_not_the_fault_of_its_idle_time() -> None:
    async def half(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK)
        await wire.request()
        await wire.send(b"HTTP/1.1 200 O")

    async with backend(half) as app, proxy(config(app.address, retry_on=())) as server:
        await ask(server)
        head, _ = await ask(server)
        assert (status(head), reason(head)) == (502, "answer/closed-in-head")
        assert app.connections == 1


class LeavesBehind:
    """A backend that sends `what` behind its first answer, too late to be seen before the next request is under way."""

    def __init__(self, what: bytes) -> None:
        self.what = what
        self.requests = 0

    async def __call__(self, wire: Wire) -> None:
        while True:
            await wire.request()
            self.requests += 1
            await wire.send(self.what + OK if self.requests == 2 else OK)


@pytest.mark.parametrize("left", [b"\r\n", b"0\r\n\r\n", b"the rest of a body\r\n\r\n"])
async def test_what_is_left_of_an_answer_makes_a_reused_connection_stale(left: bytes) -> None:
    leaves = LeavesBehind(left)
    async with backend(leaves) as app, proxy(config(app.address)) as server:
        for _ in range(3):
            assert (await ask(server))[1] == b"ok"
        assert (leaves.requests, app.connections) == (4, 2)
        assert outcomes(server) == {"ok": 3}


async def test_what_is_left_of_an_answer_is_no_reason_to_send_a_post_twice() -> None:
    leaves = LeavesBehind(b"\r\n")
    async with backend(leaves) as app, proxy(config(app.address)) as server:
        assert (await ask(server, POST))[1] == b"ok"
        head, _ = await ask(server, POST)
        assert (status(head), leaves.requests) == (502, 2)
        assert (await ask(server, POST))[1] == b"ok"


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nbad field\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n"])
async def test_a_bad_answer_over_a_reused_connection_is_not_asked_for_again(answer: bytes) -> None:
    async def bad(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK)
        await wire.request()
        await wire.send(answer)

    async with backend(bad) as app, proxy(config(app.address)) as server:
        await ask(server)
        assert status((await ask(server))[0]) == 502
        assert app.connections == 1


# ---------------------------------------------------------------------- which backend


async def test_refused_backend_is_skipped_for_any_method() -> None:
    async with backend(hello) as app, proxy(config(NOBODY, app.address)) as server:
        for data in (GET, POST, GET, POST):
            assert (await ask(server, data))[1] == b"ok"
        assert outcomes(server) == {"ok": 4}


async def test_body_that_was_not_read_yet_goes_to_the_next_backend_whole() -> None:
    async with backend(hello) as app, proxy(config(NOBODY, NOBODY, app.address)) as server, client(server) as wire:
        size = 1 << 20
        await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        await wire.send(b"x" * size)
        assert (await wire.response())[1] == b"ok"


async def test_retries_are_bounded() -> None:
    async with proxy(config(*[NOBODY] * 6, retries=2)) as server:
        head, _ = await ask(server)
        assert (status(head), reason(head)) == (502, "dial/connect-refused")
        assert sum(b.picked for b in server.pools["app"].backends) == 3


async def test_missing_socket_file_is_told_apart(tmp_path: Path) -> None:
    async with proxy(config(UnixAddress(str(tmp_path / "none")))) as server:
        head, _ = await ask(server)
        assert (status(head), reason(head)) == (502, "dial/no-such-socket")


async def test_unix_backend_serves(tmp_path: Path) -> None:
    async with backend(hello, str(tmp_path / "app")) as app, proxy(config(app.address)) as server:
        for _ in range(3):
            assert (await ask(server))[1] == b"ok"
        assert app.connections == 1


async def test_connect_that_takes_too_long_is_504() -> None:
    with unanswering() as address:
        async with proxy(config(address, pool_timeouts={"connect": 0.1})) as server:
            head, _ = await ask(server)
            assert (status(head), reason(head)) == (504, "dial/connect-timeout")


@pytest.mark.slow
async def test_backend_that_does_not_take_the_connection_is_skipped() -> None:
    with unanswering() as address:
        async with backend(hello) as app:
            async with proxy(config(address, app.address, pool_timeouts={"connect": 0.1})) as server:
                for data in (GET, POST):
                    assert (await ask(server, data))[1] == b"ok"


async def test_no_healthy_backend_is_503_at_once() -> None:
    async with backend(hello) as app, proxy(config(app.address, health_check=HealthCheck(interval=60.0))) as server:
        await until(lambda: app.connections == 1)  # the first probe
        server.pools["app"].mark(only_backend(server), is_healthy=False)
        head, _ = await ask(server)
        assert (status(head), reason(head)) == (503, "pick/no-backend")
        assert b"Retry-After: " in head


async def test_backend_without_a_resolved_name_is_502() -> None:
    async with proxy(config(TcpAddress("no.such.name.invalid", 80))) as server:
        head, _ = await ask(server)
        assert (status(head), reason(head)) == (502, "dial/unresolved")


# ---------------------------------------------------------------------- full backends and the queue


async def test_work_beyond_the_limit_is_served_in_the_order_it_came() -> None:
    most = order = 0
    served: list[bytes] = []

    async def one_at_a_time(wire: Wire) -> None:
        nonlocal most, order
        while True:
            head, _ = await wire.request()
            order += 1
            most = max(most, order)
            served.append(head.split(b" ")[1])
            await trio.lowlevel.checkpoint()
            order -= 1
            await wire.send(OK)

    async with backend(one_at_a_time) as app:
        only = BackendConfig(address=app.address, max_connections=1)
        async with proxy(config(only)) as server:
            wires = []
            for number in range(20):
                wire = await dial(server.addresses["web"][0])
                await wire.send(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
                await trio.testing.wait_all_tasks_blocked()
                wires.append(wire)
            for wire in wires:
                assert (await wire.response())[1] == b"ok"
                wire.close()
    assert most == 1
    assert served == [b"/%d" % number for number in range(20)]
    assert app.connections == 1


async def test_twenty_at_once_through_one_slot() -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(BackendConfig(address=app.address, max_connections=1))) as server:
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(ask, server)
            await until(lambda: server.pools["app"].waiting == 19)
            assert slots(server) == 1
            gate.open()
        assert gate.arrived == 20
        assert outcomes(server) == {"ok": 20}


async def test_full_queue_is_503_at_once() -> None:
    gate = Gate()
    async with backend(gate) as app:
        only = BackendConfig(address=app.address, max_connections=1)
        async with proxy(config(only, queue=1)) as server, trio.open_nursery() as nursery:
            nursery.start_soon(ask, server)
            await until(lambda: gate.arrived == 1)
            nursery.start_soon(ask, server)
            await until(lambda: server.pools["app"].waiting == 1)
            head, _ = await ask(server)
            assert (status(head), reason(head)) == (503, "pick/queue-full")
            assert b"Retry-After: " in head
            gate.open()


async def test_too_long_in_the_queue_is_503() -> None:
    gate = Gate()
    async with backend(gate) as app:
        only = BackendConfig(address=app.address, max_connections=1)
        async with proxy(config(only, pool_timeouts={"queue": 0.1})) as server, client(server) as first:
            await first.send(GET)
            await until(lambda: gate.arrived == 1)
            head, _ = await ask(server)
            assert (status(head), reason(head)) == (503, "pick/queue-timeout")
            assert b"Retry-After: " in head
            assert server.pools["app"].waiting == 0
            gate.open()
            assert (await first.response())[1] == b"ok"


async def test_client_that_leaves_the_queue_is_not_waited_for() -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(BackendConfig(address=app.address, max_connections=1))) as server:
        async with client(server) as first:
            await first.send(GET)
            await until(lambda: gate.arrived == 1)
            async with client(server) as second:
                await second.send(GET)
                await until(lambda: server.pools["app"].waiting == 1)
            await until(lambda: server.pools["app"].waiting == 0)
            gate.open()
            await first.response()
        assert gate.arrived == 1


async def test_body_sent_while_waiting_for_a_slot_arrives() -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(BackendConfig(address=app.address, max_connections=1))) as server:
        async with client(server) as first, client(server) as second:
            await first.send(GET)
            await until(lambda: gate.arrived == 1)
            await second.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n")
            await until(lambda: server.pools["app"].waiting == 1)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(second.send, b"x" * 300_000)
                await trio.testing.wait_all_tasks_blocked()
                gate.open()
                await first.response()
                assert (await second.response())[1] == b"ok"


async def test_group_of_members_gets_several_connections_before_one_is_used_again() -> None:
    """Each connection belongs to the member that the kernel chose for it; one connection would mean one member."""
    async with backend(hello) as app, proxy(config(BackendConfig(address=app.address, members=2))) as server:
        for _ in range(16):
            await ask(server)
        assert app.connections == 16
        for _ in range(20):
            await ask(server)
        assert 16 <= app.connections <= 17


# ---------------------------------------------------------------------- answers


async def test_1xx_is_passed_on_before_the_answer() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with backend(always(hints + hints + OK)) as app, proxy(config(app.address)) as server:
        async with client(server) as wire:
            await wire.send(GET + GET)
            for _ in range(2):
                assert await wire.head() == hints
                assert await wire.head() == hints
                assert (await wire.response())[1] == b"ok"


async def test_1xx_is_kept_from_http_1_0() -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK
    async with backend(always(answer)) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(b"GET / HTTP/1.0\r\n\r\n")
        assert (await wire.rest()).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("request_line", "answer"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        (b"HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (b"GET", b"HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"),
    ],
)
async def test_answers_without_a_body_end_with_their_head(request_line: bytes, answer: bytes) -> None:
    async with backend(always(answer)) as app, proxy(config(app.address)) as server, client(server) as wire:
        for _ in range(2):
            await wire.send(request_line + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert await wire.head() == answer
        assert wire.buffer == b""
        assert app.connections == 1


async def test_answer_one_byte_at_a_time_is_the_same_answer() -> None:
    async def slowly(wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.send_slowly(
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 3\r\n\r\nabc"
            )

    async with backend(slowly) as app, proxy(config(app.address)) as server, client(server) as wire:
        for _ in range(3):
            await wire.send(GET)
            assert await wire.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
            assert await wire.response() == (b"HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 3\r\n\r\n", b"abc")
        assert app.connections == 1


async def test_backend_that_says_nothing_is_504() -> None:
    async with backend(silent) as app, proxy(config(app.address, pool_timeouts={"response_head": 0.1})) as server:
        head, body = await ask(server)
        assert (status(head), reason(head)) == (504, "answer/response-head-timeout")
        assert body == b"504 Gateway Timeout\nanswer: response-head-timeout\n"


@pytest.mark.slow
async def test_backend_whose_head_never_ends_is_504_however_busy_it_is() -> None:
    async def drips(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            await wire.send(b"x")
            await trio.sleep(0.02)

    async with backend(drips) as app, proxy(config(app.address, pool_timeouts={"response_head": 0.25})) as server:
        head, _ = await ask(server)
        assert (status(head), reason(head)) == (504, "answer/response-head-timeout")


async def test_client_survives_a_bad_backend() -> None:
    """Its request was right and was taken whole: its connection goes on."""
    async with backend(always(b"nonsense\r\n\r\n")) as app, proxy(config(app.address)) as server:
        async with client(server) as wire:
            for _ in range(3):
                await wire.send(GET)
                head, _ = await wire.response()
                assert (status(head), reason(head)) == (502, "parse/response-syntax")


async def test_pipelined_request_behind_a_failed_one_is_answered() -> None:
    async with backend(hello) as app:
        settings = config(app.address, frontend={"pool": "app"})
        async with proxy(settings) as server, client(server) as wire:
            only_backend(server).sockaddr = ("127.0.0.1", 1)
            await wire.send(GET + GET)
            for _ in range(2):
                head, _ = await wire.response()
                assert (status(head), reason(head)) == (502, "dial/connect-refused")


# ---------------------------------------------------------------------- the client leaves


async def test_client_that_leaves_while_waiting_frees_slot_and_connection() -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(app.address)) as server:
        async with client(server) as wire:
            await wire.send(GET)
            await until(lambda: gate.arrived == 1)
            assert slots(server) == 1
        await until(lambda: slots(server) == 0)
        gate.open()
        await until(lambda: app.open == 0)
        assert outcomes(server) == {"client-gone": 1}


async def test_client_that_resets_while_waiting_frees_slot_and_connection() -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(GET)
        await until(lambda: gate.arrived == 1)
        wire.reset()
        await until(lambda: slots(server) == 0)
        gate.open()
        await until(lambda: app.open == 0)


async def test_slot_freed_for_a_client_that_is_gone_goes_to_the_next() -> None:
    gate = Gate()
    async with backend(gate) as app:
        async with proxy(config(BackendConfig(address=app.address, max_connections=1))) as server:
            async with client(server) as first, client(server) as second, client(server) as third:
                await first.send(GET)
                await until(lambda: gate.arrived == 1)
                for count, wire in enumerate((second, third), 1):
                    await wire.send(GET)
                    await until(lambda: server.pools["app"].waiting == count)  # noqa: B023
                waiter = next(iter(server.pools["app"]._waiting))
                gate.open()
                holder = next(m for m in server.wheel.members() if m.exchange is not waiter and m.exchange.backend)  # type: ignore[attr-defined]
                holder.cut()  # type: ignore[attr-defined] # frees the slot, which is promised to the second
                waiter.session.cut()  # type: ignore[attr-defined] # that ends before it hears of it
                assert (await third.response())[1] == b"ok"


@pytest.mark.slow
async def test_refusal_that_comes_late_leads_to_the_next_backend() -> None:
    """As from another machine: `connect` has begun, and the answer is an event."""
    with unanswering_socket() as listening:
        address = TcpAddress(*listening.getsockname())
        async with backend(hello) as app, proxy(config(address, app.address)) as server, client(server) as wire:
            await wire.send(POST)
            await until(lambda: server.pools["app"].backends[0].taken == 1)
            listening.close()
            assert (await wire.response())[1] == b"ok"
            assert outcomes(server) == {"ok": 1}
