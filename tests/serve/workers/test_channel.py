"""Messages of every size come whole and in order, with their descriptors, whatever pieces the kernel makes of them."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.serve.workers.channel import Channel, ChannelError, Outbox, dump_order, dump_report, load_order, load_report
from tests.engine.support import descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 8.0


@contextmanager
def pair(*, takes_descriptors: bool = True) -> Iterator[tuple[Channel, Channel]]:
    above, below = socket.socketpair()
    one, two = Channel(above), Channel(below, takes_descriptors=takes_descriptors)
    try:
        yield one, two
    finally:
        one.close()
        two.close()


def raw() -> tuple[socket.socket, Channel]:
    ours, theirs = socket.socketpair()
    return ours, Channel(theirs, takes_descriptors=True)


@contextmanager
def pipes(count: int) -> Iterator[list[int]]:
    """Write ends; the read ends are closed, so that one that is still open can be told by EPIPE."""
    opened = [os.pipe() for _ in range(count)]
    try:
        yield [end for both in opened for end in both][:count]
    finally:
        for both in opened:
            for end in both:
                os.close(end)


def same_file(one: int, other: int) -> bool:
    return os.fstat(one).st_ino == os.fstat(other).st_ino


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=300) | st.just(bytes(500_000)), st.integers(0, 3)), max_size=8))
def test_what_is_sent_is_what_is_received(messages: list[tuple[bytes, int]]) -> None:
    async def exchange() -> None:
        with pipes(3) as sent, pair() as (one, two), trio.fail_after(DEADLINE):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send_all, one, sent)
                for data, count in messages:
                    got = await two.receive()
                    assert got is not None
                    assert got[0] == data
                    assert len(got[1]) == count
                    assert all(map(same_file, got[1], sent))
                    for descriptor in got[1]:
                        os.close(descriptor)

    async def send_all(channel: Channel, sent: list[int]) -> None:
        for data, count in messages:
            await channel.send(data, sent[:count])

    before = descriptors()
    trio.run(exchange)
    assert descriptors() == before


async def test_more_descriptors_than_the_kernel_takes_at_once() -> None:
    with pipes(600) as sent, pair() as (one, two), trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.send, b"many", sent)
            got = await two.receive()
        assert got is not None
        assert got[0] == b"many"
        assert len(got[1]) == 600
        assert all(map(same_file, got[1], sent))
        assert not any(map(os.get_inheritable, got[1]))
        for descriptor in got[1]:
            os.close(descriptor)


async def test_the_end() -> None:
    with pair() as (one, two):
        await one.send(b"last")
        one.close()
        assert await two.receive() == (b"last", [])
        assert await two.receive() is None


async def test_an_end_with_something_unread_is_an_end() -> None:
    with pair() as (one, two):
        await two.send(b"never read")
        one.close()
        assert await two.receive() is None
        with pytest.raises(OSError, match="Broken pipe"):
            await two.send(b"nobody")


async def test_an_end_within_a_message() -> None:
    ours, channel = raw()
    with ours:
        ours.sendall(struct.pack("!II", 5, 0) + b"abc")
    with pytest.raises(ChannelError, match="in the middle"):
        await channel.receive()
    channel.close()


async def test_a_wait_may_be_cancelled() -> None:
    with pair() as (one, two):
        with trio.move_on_after(0):
            await two.receive()
        await one.send(b"there")
        assert await two.receive() == (b"there", [])


async def test_a_worker_cannot_make_its_supervisor_keep_all_it_sends() -> None:
    with pair() as (one, two), trio.fail_after(DEADLINE):
        await one.send(bytes(100))
        with pytest.raises(ChannelError, match="100 bytes"):
            await two.receive(largest=99)


async def test_descriptors_that_nobody_wants_are_closed() -> None:
    before = descriptors()
    with pipes(1) as sent, pair(takes_descriptors=False) as (one, two):
        await one.send(b"take this", sent)
        with pytest.raises(ChannelError, match="1 descriptors"):
            await two.receive()
    assert descriptors() == before


async def test_descriptors_of_half_a_message_are_closed() -> None:
    before = descriptors()
    ours, channel = raw()
    with pipes(1) as sent, ours:
        socket.send_fds(ours, [struct.pack("!II", 9, 1)], sent)
        with trio.move_on_after(0.01):
            await channel.receive()
        channel.close()
    assert descriptors() == before


def test_orders_and_reports() -> None:
    assert load_order(dump_order(("any", {"thing"}))) == ("any", {"thing"})
    assert load_report(dump_report({"what": "ready"})) == {"what": "ready"}
    for bad in (b"", b"{", b"[]", b"1", b"\xff", b"[" * 100_000):
        with pytest.raises(ChannelError):
            load_report(bad)


async def test_an_outbox_sends_in_order_and_has_descriptors_of_its_own() -> None:
    before = descriptors()
    with pair() as (one, two):
        outbox = Outbox(one)
        with pipes(1) as sent:
            assert outbox.put(b"first", sent)
        assert outbox.put(b"second")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outbox.run)
            with trio.fail_after(DEADLINE):
                await outbox.flush()
                got = await two.receive()
                assert got is not None
                os.close(got[1][0])
                assert (got[0], await two.receive()) == (b"first", (b"second", []))
            nursery.cancel_scope.cancel()
    assert descriptors() == before


async def test_an_outbox_that_nobody_empties_is_full_and_lets_go_of_all() -> None:
    before = descriptors()
    with pair() as (one, two):
        outbox = Outbox(one, most=2)
        with pipes(1) as sent:
            assert [outbox.put(b"", sent) for _ in range(3)] == [True, True, False]
        two.close()
        with trio.fail_after(DEADLINE):
            await outbox.run()
            await outbox.flush()
        assert not outbox.put(b"too late")
    assert descriptors() == before


async def test_an_outbox_takes_all_descriptors_or_none() -> None:
    with pair() as (one, _), pipes(1) as sent:
        outbox = Outbox(one)
        before = descriptors()
        with pytest.raises(OSError, match="Bad file descriptor"):
            outbox.put(b"", [*sent, 10**6])
        assert descriptors() == before
        await outbox_is_empty(outbox)


async def outbox_is_empty(outbox: Outbox) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.run)
        with trio.fail_after(DEADLINE):
            await outbox.flush()
        nursery.cancel_scope.cancel()
