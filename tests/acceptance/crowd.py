"""Clients that each ask again as soon as they have their answer, and who answered them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import trio

from tests.processes import DEADLINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def crowd(
    address: str, clients: int, *, skip: float, window: float, is_reconnecting: bool = False
) -> Counter[int]:
    """Answers by pid in `window` seconds, after the first `skip`: everybody comes at the same moment then."""
    answers: Counter[int] = Counter()
    start = trio.current_time() + skip

    async def one() -> None:
        async for pid in asking(address, is_reconnecting=is_reconnecting):
            if start <= trio.current_time():
                answers[pid] += 1

    with trio.move_on_at(start + window):
        async with trio.open_nursery() as nursery:
            for _ in range(clients):
                nursery.start_soon(one)
    return answers


async def asking(address: str, *, is_reconnecting: bool = False) -> AsyncIterator[int]:
    """The pid of each answer, for ever."""
    while True:
        async with await dial(address) as stream:
            while True:
                yield pid_of(await ask(stream))
                if is_reconnecting:
                    break


async def dial(address: str) -> trio.SocketStream:
    host, _, port = address.rpartition(":")
    return await trio.open_tcp_stream(host, int(port), happy_eyeballs_delay=DEADLINE)


async def ask(stream: trio.SocketStream) -> bytes:
    """The body of the answer."""
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
    data = b""
    while True:
        head, separator, body = data.partition(b"\r\n\r\n")
        if separator and len(body) >= length_of(head):
            assert head.startswith(b"HTTP/1.1 200 "), data
            return body
        received = await stream.receive_some()
        assert received, data
        data += received


def pid_of(body: bytes) -> int:
    pid: int = json.loads(body)["pid"]
    return pid


def length_of(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
