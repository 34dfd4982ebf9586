"""Probes of real listeners: who accepts, who closes when, and what they are asked."""

from __future__ import annotations

import errno
import math
import os
import socket
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import UnixAddress, parse_address
from proxy.doctor.probe import Probe, probe, probe_all
from tests.doctor.support import config
from tests.engine.support import Wire, backend
from tests.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"


def answering(data: bytes, seconds: float) -> Callable[[Wire], Awaitable[None]]:
    """Then the connection stays open for so long."""

    async def script(wire: Wire) -> None:
        await wire.head()
        await wire.send(data)
        await trio.sleep(seconds)

    return script


async def test_a_backend_that_closes_early() -> None:
    async with backend(answering(OK + b"\r\n", 0.2)) as app:
        seen = await probe(parse_address(str(app.address)), HEAD, 5.0)
    assert seen.answered
    assert 0.15 < seen.closed_after < 4.0
    assert seen.told == math.inf


async def test_a_backend_that_says_so() -> None:
    async with backend(answering(OK + b"keep-alive: timeout=5, max=100\r\n\r\n", 9)) as app:
        assert await probe(parse_address(str(app.address)), HEAD, 0.1) == Probe(0, True, 5.0)


async def test_a_backend_that_keeps_none_or_never_answers() -> None:
    async with backend(answering(OK + b"\r\n", 0.0)) as app:
        assert (await probe(parse_address(str(app.address)), HEAD, 5.0)).closed_after < 0.1
    async with backend(answering(b"", 9)) as app:
        assert await probe(parse_address(str(app.address)), HEAD, 0.1) == Probe()
    async with backend(answering(b"", 0)) as app:
        assert await probe(parse_address(str(app.address)), HEAD, 5.0) == Probe(closed_after=0.0)


async def test_nobody_is_there(tmp_path: object) -> None:
    assert (await probe(parse_address(f"127.0.0.1:{free_port()}"))).error == errno.ECONNREFUSED
    assert (await probe(UnixAddress("/nowhere/s"))).error == errno.ENOENT
    assert (await probe(parse_address("unknown.invalid:80"))).error


async def test_a_full_unix_queue() -> None:
    name = f"rproxy-doctor-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as sock, socket.socket(socket.AF_UNIX) as client:
        sock.bind(f"\0{name}")
        sock.listen(0)
        client.connect(f"\0{name}")
        assert (await probe(UnixAddress(f"@{name}"))).error == errno.EAGAIN


@pytest.mark.parametrize("asks", [True, False])
async def test_what_backends_are_asked(asks: bool) -> None:
    heads: list[bytes] = []

    async def script(wire: Wire) -> None:
        heads.append(await wire.head())

    async with backend(script) as app:
        settings = config(app=f'backends = ["{app.address}"]\nhealth_check.path = "/up"')
        found = await probe_all(settings, asks=asks, watch=0.5)
    assert set(found) == {str(app.address)}
    assert found[str(app.address)].error == 0
    assert [head.startswith(b"HEAD /up HTTP/1.1\r\nHost: ") for head in heads] == [True] * asks
