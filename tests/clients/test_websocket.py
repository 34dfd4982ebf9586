"""The `websockets` library through rproxy: to hello over TCP and over a Unix frontend."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import module

if TYPE_CHECKING:
    from tests.clients.support import Rproxy

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def websockets() -> None:
    module("websockets")


def test_text_binary_ping_and_close(rproxy: Rproxy) -> None:
    from websockets.sync.client import connect

    with connect(f"ws://{rproxy.address}/websocket", proxy=None) as websocket:
        for message in ("hello", "", "ä" * 1000, os.urandom(200_000)):
            websocket.send(message)
            assert websocket.recv(10) == message
        assert websocket.ping().wait(10)
        websocket.close(4000, "done")
        assert websocket.close_code == 4000  # as the backend echoed it


def test_over_a_unix_frontend_and_back_to_plain_requests(rproxy: Rproxy) -> None:
    from websockets.sync.client import unix_connect

    path = rproxy.addresses["web"][1].removeprefix("unix:")
    for _ in range(3):
        with unix_connect(path, "ws://test/websocket") as websocket:
            websocket.send("hello")
            assert websocket.recv(10) == "hello"


def test_a_refused_handshake_is_an_ordinary_answer(rproxy: Rproxy) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    with pytest.raises(InvalidStatus) as caught, connect(f"ws://{rproxy.address}/?status=403", proxy=None):
        pass
    assert caught.value.response.status_code == 403


def test_two_hundred_at_once(rproxy: Rproxy) -> None:
    import asyncio

    from websockets.asyncio.client import connect

    async def talk(number: int) -> str | bytes:
        async with connect(f"ws://{rproxy.address}/websocket", proxy=None) as websocket:
            await websocket.send(f"{number}")
            return await websocket.recv()

    async def talk_all() -> list[str | bytes]:
        async with asyncio.timeout(20):
            return await asyncio.gather(*map(talk, range(200)))

    assert asyncio.run(talk_all()) == [str(number) for number in range(200)]
