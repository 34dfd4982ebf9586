"""TCP mode: a client connection and a backend connection, and every way in which the pair can end."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import errno
import select
import socket
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import Backend as BackendConfig
from proxy.engine.backend import LiveBackend, connect_failed
from proxy.engine.flow import Pipe
from tests.engine.support import (
    NOBODY,
    Wire,
    backend,
    client,
    config,
    descriptors,
    dial,
    echo,
    full_backlog,
    outcomes,
    proxy,
    silent,
    slots,
    unanswering,
    unanswering_socket,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.address import Address
    from proxy.core.config import Config

BIG = 32 << 20  # more than the kernel takes in on both sides


def tcp(*backends: Address | BackendConfig, **options: object) -> Config:
    return config(*backends, mode="tcp", **options)  # type: ignore[arg-type]


async def answer_after_end(wire: Wire) -> None:
    """Reads to the end, and only then says how much it was."""
    size = 0
    while data := await wire.stream.receive_some(1 << 20):
        size += len(data)
    await wire.send(b"%d bytes" % size)


async def deaf(wire: Wire) -> None:
    await trio.sleep_forever()


# ---------------------------------------------------------------------- bytes


async def test_bytes_go_both_ways() -> None:
    async with backend(echo) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        for word in (b"one", b"two", b"three"):
            await wire.send(word)
            assert await wire.exactly(len(word)) == word
        assert slots(server) == server.active == 1


async def test_server_may_speak_first() -> None:
    async def greet(wire: Wire) -> None:
        await wire.send(b"220 ready\r\n")
        await silent(wire)

    async with backend(greet) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        assert await wire.until(b"\r\n") == b"220 ready\r\n"


@pytest.mark.parametrize("size", [1, 20_000, 300_000, 3_000_001, 8 << 20])
async def test_long_streams_arrive_unchanged_both_ways(size: int) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    async with backend(echo) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wire.send, data)
            assert await wire.exactly(size) == data
        await wire.end()
        assert await wire.ended()
    assert outcomes(server) == {"ok": 1}


async def test_single_bytes_arrive() -> None:
    async with backend(echo) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        await wire.send_slowly(b"x" * 50)
        assert await wire.exactly(50) == b"x" * 50


@pytest.mark.parametrize("listens_on_unix", [False, True])
@pytest.mark.parametrize("serves_on_unix", [False, True])
async def test_tcp_and_unix_in_any_pairing(listens_on_unix: bool, serves_on_unix: bool, tmp_path: Path) -> None:
    listen: Address = UnixAddress(str(tmp_path / "front")) if listens_on_unix else TcpAddress("127.0.0.1", 0)
    async with backend(echo, str(tmp_path / "app") if serves_on_unix else "") as app:
        async with proxy(tcp(app.address, listen=listen)) as server, client(server) as wire:
            data = b"x" * 3_000_000
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wire.send, data)
                assert await wire.exactly(len(data)) == data
            await wire.end()
            assert await wire.rest() == b""


async def test_one_who_does_not_read_stops_the_other_and_memory_is_bounded() -> None:
    async with backend(deaf) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        with trio.move_on_after(0.2) as scope:
            await wire.send(b"x" * BIG)
        assert scope.cancelled_caught  # the client is held back
        (session,) = server.wheel.members()
        assert session.up.held <= (1 << 20) + (64 << 10)  # type: ignore[attr-defined]
        wire.reset()
        await until(lambda: server.active == 0)


# ---------------------------------------------------------------------- half-close


async def test_end_of_the_client_is_passed_on_and_the_answer_still_comes() -> None:
    async with backend(answer_after_end) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        await wire.send(b"x" * 1000)
        await wire.end()
        assert await wire.rest() == b"1000 bytes"


async def test_end_of_the_server_is_passed_on_and_the_client_may_go_on() -> None:
    received = []

    async def speak_and_listen(wire: Wire) -> None:
        await wire.send(b"bye")
        await wire.end()
        received.append(await wire.rest())

    async with backend(speak_and_listen) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        assert await wire.rest() == b"bye"
        await wire.send(b"but wait")
        await wire.end()
        await until(lambda: received == [b"but wait"])


async def test_end_behind_much_data_comes_after_all_of_it() -> None:
    async with backend(answer_after_end) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        await wire.send(b"x" * BIG)
        await wire.end()
        assert await wire.rest() == b"%d bytes" % BIG


async def test_client_that_sends_and_leaves_at_once_is_heard(tmp_path: Path) -> None:
    """Its bytes wait in the kernel until the backend's connection is made, its end with them."""
    received: list[bytes] = []

    async def note(wire: Wire) -> None:
        received.append(await wire.rest())

    async with backend(note) as app:
        for listen in (TcpAddress("127.0.0.1", 0), UnixAddress(str(tmp_path / "front"))):
            async with proxy(tcp(app.address, listen=listen)) as server:
                address = server.addresses["web"][0]
                with socket.socket(socket.AF_UNIX if isinstance(address, UnixAddress) else socket.AF_INET) as sock:
                    name = address.sockaddr if isinstance(address, UnixAddress) else (address.host, address.port)
                    sock.connect(name)  # no other task runs until all of it has happened
                    sock.send(b"parting words")
                await until(lambda: len(received) == 1)
            assert received.pop() == b"parting words"


# ---------------------------------------------------------------------- reset and silence


async def test_reset_by_the_client_reaches_the_server() -> None:
    saw = []

    async def note(wire: Wire) -> None:
        saw.append(await wire.ended())

    async with backend(note) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        await until(lambda: app.open == 1)
        wire.reset()
        await until(lambda: saw == [False])
        assert outcomes(server) == {"client-reset": 1}


async def test_reset_by_the_server_reaches_the_client() -> None:
    async def leave(wire: Wire) -> None:
        await wire.exactly(1)
        wire.reset()

    async with backend(leave) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        await wire.send(b"x")
        assert not await wire.ended()
        assert outcomes(server) == {"backend-reset": 1}


async def test_last_words_of_a_server_that_closes_over_unread_bytes_arrive() -> None:
    async def refuse(wire: Wire) -> None:
        await wire.exactly(1)
        await wire.send(b"421 too busy")
        await trio.testing.wait_all_tasks_blocked()  # they have been passed on

    async with backend(refuse) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        await wire.send(b"x" * 100_000)
        assert await wire.exactly(12) == b"421 too busy"


async def test_reset_by_a_client_that_had_ended_its_side_is_noticed() -> None:
    """Nobody reads from it any more, so that only the event can tell."""
    ends = []

    async def note_end(wire: Wire) -> None:
        await wire.rest()
        ends.append("half")
        await trio.sleep_forever()

    async with backend(note_end) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        await wire.end()
        await until(lambda: ends == ["half"])
        wire.reset()
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"client-reset": 1}


async def test_reset_by_a_server_that_had_ended_its_side_is_noticed() -> None:
    async def end_and_reset(wire: Wire) -> None:
        await wire.end()
        await wire.exactly(1)
        wire.reset()

    async with backend(end_and_reset) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        assert await wire.rest() == b""
        await wire.send(b"x")
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"backend-reset": 1}


async def test_reset_by_a_client_whose_bytes_nobody_takes_is_noticed() -> None:
    async with backend(deaf) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        with trio.move_on_after(0.2):
            await wire.send(b"x" * BIG)
        wire.reset()
        await until(lambda: server.active == 0)
        assert slots(server) == 0


async def test_silence_both_ways_ends_a_session() -> None:
    async with backend(silent) as app, proxy(tcp(app.address, timeouts={"idle": 0.1})) as server:
        async with client(server) as wire:
            assert not await wire.ended()
        assert outcomes(server) == {"idle": 1}


@pytest.mark.slow
async def test_traffic_in_one_direction_keeps_a_session() -> None:
    async def tick(wire: Wire) -> None:
        for _ in range(6):
            await wire.send(b".")
            await trio.sleep(0.1)

    async with backend(tick) as app, proxy(tcp(app.address, timeouts={"idle": 0.4})) as server:
        async with client(server) as wire:
            assert await wire.rest() == b"......"


# ---------------------------------------------------------------------- connecting


async def test_refused_backend_is_skipped_before_the_client_notices() -> None:
    async with backend(echo) as app, proxy(tcp(NOBODY, app.address, NOBODY)) as server:
        for _ in range(4):
            async with client(server) as wire:
                await wire.send(b"hello")
                assert await wire.exactly(5) == b"hello"


@pytest.mark.slow
async def test_backend_that_does_not_take_the_connection_is_skipped() -> None:
    with unanswering() as address:
        async with backend(echo) as app:
            async with proxy(tcp(address, app.address, pool_timeouts={"connect": 0.1})) as server:
                for _ in range(2):
                    async with client(server) as wire:
                        await wire.send(b"hello")
                        assert await wire.exactly(5) == b"hello"


@pytest.mark.slow
async def test_refusal_that_comes_late_leads_to_the_next_backend() -> None:
    """As from another machine: `connect` has begun, and the answer is an event."""
    with unanswering_socket() as listening:
        address = TcpAddress(*listening.getsockname())
        async with backend(echo) as app, proxy(tcp(address, app.address)) as server, client(server) as wire:
            await until(lambda: server.pools["app"].backends[0].taken == 1)
            listening.close()
            await wire.send(b"hello")
            assert await wire.exactly(5) == b"hello"


async def reset_of(address: Address) -> bool:
    """Whether a client of `address` is reset, be it before `connect` has returned."""
    try:
        wire = await dial(address)
    except ConnectionResetError:
        return True
    try:
        return not await wire.ended()
    finally:
        wire.close()


async def test_client_is_reset_when_every_backend_refuses() -> None:
    async with proxy(tcp(NOBODY, NOBODY)) as server:
        assert await reset_of(server.addresses["web"][0])
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"connect-refused": 1}


async def test_client_is_reset_when_no_backend_takes_the_connection() -> None:
    with unanswering() as address:
        async with proxy(tcp(address, pool_timeouts={"connect": 0.1})) as server:
            assert await reset_of(server.addresses["web"][0])
            await until(lambda: outcomes(server) == {"connect-timeout": 1})


async def test_client_is_reset_when_no_backend_is_healthy() -> None:
    async with backend(echo) as app, proxy(tcp(app.address)) as server:
        pool = server.pools["app"]
        pool.set_healthy(pool.backends[0], False)
        assert await reset_of(server.addresses["web"][0])
        await until(lambda: outcomes(server) == {"no-backend": 1})


async def test_client_that_resets_while_its_backend_is_dialled_is_gone() -> None:
    with unanswering() as address:
        async with proxy(tcp(address)) as server, client(server) as wire:
            await until(lambda: slots(server) == 1)
            wire.reset()
            await until(lambda: server.active == 0)
            assert outcomes(server) == {"client-gone": 1}


async def test_client_whose_end_came_while_its_backend_was_dialled_is_served() -> None:
    with unanswering() as address:
        async with backend(answer_after_end) as app:
            settings = tcp(address, app.address, pool_timeouts={"connect": 0.1})
            async with proxy(settings) as server, client(server) as wire:
                await wire.send(b"12345")
                await wire.end()
                assert await wire.rest() == b"5 bytes"


# ---------------------------------------------------------------------- full backends


def one_at_a_time(address: Address) -> BackendConfig:
    return BackendConfig(address=address, max_connections=1)


async def test_connections_beyond_the_limit_wait_their_turn() -> None:
    async with backend(echo) as app, proxy(tcp(one_at_a_time(app.address))) as server:
        async with trio.open_nursery() as nursery:

            async def visit() -> None:
                async with client(server) as wire:
                    await wire.send(b"hello")
                    assert await wire.exactly(5) == b"hello"
                    assert slots(server) == 1

            for _ in range(20):
                nursery.start_soon(visit)
        await until(lambda: server.active == 0)
        assert app.connections == 20


async def test_refused_connection_waits_for_a_backend_that_is_merely_full() -> None:
    async with backend(echo) as app, proxy(tcp(NOBODY, one_at_a_time(app.address))) as server:
        async with client(server) as first:
            await first.send(b"x")
            await first.exactly(1)
            async with client(server) as second:
                await second.send(b"hello")
                await until(lambda: server.pools["app"].waiting == 1)
                first.close()
                assert await second.exactly(5) == b"hello"


async def test_full_backlog_is_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "app")
    with full_backlog(path) as listening:
        async with proxy(tcp(UnixAddress(path), retries=0)) as server, client(server) as wire:
            await wire.send(b"hello")
            await until(lambda: server.pools["app"].backends[0].picked >= 2)
            listening.accept()[0].close()
            with (await trio.to_thread.run_sync(listening.accept))[0] as sock:
                assert sock.recv(100) == b"hello"


async def test_client_is_reset_when_a_backlog_stays_full(tmp_path: Path) -> None:
    path = str(tmp_path / "app")
    with full_backlog(path):
        async with proxy(tcp(UnixAddress(path), pool_timeouts={"connect": 0.1})) as server:
            assert await reset_of(server.addresses["web"][0])
            assert outcomes(server) == {"backlog-full": 1}


@pytest.mark.slow
async def test_client_is_reset_when_the_queue_is_full_or_takes_too_long() -> None:
    async with backend(echo) as app:
        settings = tcp(one_at_a_time(app.address), queue=1, pool_timeouts={"queue": 0.2})
        async with proxy(settings) as server, client(server) as first, client(server) as second:
            await until(lambda: slots(server) == 1 and server.pools["app"].waiting == 1)
            assert await reset_of(server.addresses["web"][0])
            assert outcomes(server) == {"queue-full": 1}
            winner = first if server.wheel.members()[0] else second
            ends = [wire for wire in (first, second) if wire is not winner]
            assert not await ends[0].ended()
            assert outcomes(server) == {"queue-full": 1, "queue-timeout": 1}


async def test_client_that_resets_in_the_queue_leaves_it() -> None:
    async with backend(echo) as app, proxy(tcp(one_at_a_time(app.address))) as server, client(server) as first:
        await first.send(b"x")
        await first.exactly(1)
        async with client(server) as second:
            await until(lambda: server.pools["app"].waiting == 1)
            second.reset()
            await until(lambda: server.pools["app"].waiting == 0)


async def test_slot_freed_for_a_session_that_is_over_goes_to_the_next() -> None:
    async with backend(echo) as app, proxy(tcp(one_at_a_time(app.address))) as server, client(server) as first:
        await first.send(b"x")
        await first.exactly(1)
        session = server.wheel.members()[0]
        async with client(server) as second:
            await until(lambda: server.pools["app"].waiting == 1)
            waiter = next(iter(server.pools["app"]._waiting))
            session.cut()  # type: ignore[attr-defined] # frees the slot, which is promised to the second
            waiter.cut()  # type: ignore[attr-defined] # that ends before it hears of it
            assert slots(server) == 1
            await until(lambda: slots(server) == 0)
            assert not await second.ended()


# ---------------------------------------------------------------------- every way to end


async def test_nothing_is_left_whatever_way_a_session_ended() -> None:
    async def obey(wire: Wire) -> None:
        order = await wire.exactly(1)
        if order == b"r":
            wire.reset()
        elif order == b"d":
            await trio.sleep_forever()

    async def close(wire: Wire) -> None:
        wire.close()

    async def reset(wire: Wire) -> None:
        wire.reset()

    async def half(wire: Wire) -> None:
        await wire.end()

    async def server_resets(wire: Wire) -> None:
        await wire.send(b"r")
        await wire.ended()

    async def server_closes(wire: Wire) -> None:
        await wire.send(b"c")
        await wire.ended()

    async def in_full_flight(wire: Wire) -> None:
        with trio.move_on_after(0.01):
            await wire.send(b"d" + b"x" * BIG)
        wire.reset()

    held: list[int] = []
    async with backend(obey) as app, proxy(tcp(app.address)) as server:
        for _ in range(3):
            for act in (close, reset, half, server_resets, server_closes, in_full_flight):
                async with client(server) as wire:
                    await act(wire)
            await until(lambda: server.active == 0 and slots(server) == 0)
            assert len(server.reactor) == 1  # the listener
            await until(lambda: app.open <= len(held) + 1)  # the deaf one sleeps for ever
            held.append(descriptors() - app.open - 2 * len(Pipe._free))
        assert held == held[:1] * 3


# ---------------------------------------------------------------------- events that mean nothing


async def test_spurious_events_are_borne() -> None:
    async with backend(echo) as app, proxy(tcp(app.address)) as server, client(server) as wire:
        await until(lambda: slots(server) == 1)
        (session,) = server.wheel.members()
        for handler in ("on_client", "on_server"):
            for mask in (0, select.EPOLLIN, select.EPOLLOUT, select.EPOLLIN | select.EPOLLOUT):
                server.reactor.call_soon(getattr(session, handler), mask)
        await wire.send(b"x")
        assert await wire.exactly(1) == b"x"


@pytest.mark.slow
async def test_spurious_event_while_dialling_is_borne() -> None:
    with unanswering() as address:
        async with backend(echo) as app:
            settings = tcp(address, app.address, pool_timeouts={"connect": 0.2})
            async with proxy(settings) as server, client(server) as wire:
                await until(lambda: slots(server) == 1)
                (session,) = server.wheel.members()
                server.reactor.call_soon(session.on_connecting, 0)  # type: ignore[attr-defined]
                server.reactor.call_soon(session.on_waiting_client, select.EPOLLIN)  # type: ignore[attr-defined]
                await wire.send(b"x")
                assert await wire.exactly(1) == b"x"


async def test_backend_that_we_have_no_descriptor_for_is_not_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    async with backend(echo) as app, proxy(tcp(app.address, NOBODY)) as server:
        first = server.pools["app"].backends[0]

        def none_left(this: LiveBackend, greeting: bytes = b"") -> socket.socket:
            raise connect_failed(OSError(errno.EMFILE, "Too many open files"), this)

        monkeypatch.setattr(LiveBackend, "dial", none_left)
        for _ in range(10):
            assert await reset_of(server.addresses["web"][0])
        assert outcomes(server) == {"no-descriptors": 10}
        assert first.is_healthy
