"""The HTTP clients that people use from Python: requests, httpx, aiohttp, each with what it does in its own way."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import module

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.clients.support import Rproxy

pytestmark = pytest.mark.slow

BODY = os.urandom(1_000_000)
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def url(rproxy: Rproxy) -> str:
    return f"http://{rproxy.address}"


def test_requests(url: str) -> None:
    module("requests")
    import requests

    with requests.Session() as session:
        session.trust_env = False
        for number in range(20):  # one connection, and a header field that changes
            answer = session.get(f"{url}/{number}", headers={"X-Number": str(number)}, timeout=10)
            assert answer.json()["path"] == f"/{number}"
        assert session.post(f"{url}/sink", data=BODY, timeout=10).json()["body_sha256"] == DIGEST
        blocks = (BODY[start : start + 50_000] for start in range(0, len(BODY), 50_000))  # chunked
        assert session.put(f"{url}/sink", data=blocks, timeout=10).json()["body_sha256"] == DIGEST
        assert session.post(f"{url}/sink", files={"file": BODY}, timeout=10).json()["body_length"] > len(BODY)
        with session.get(f"{url}/bytes?size=3000000&chunked=1", stream=True, timeout=10) as answer:
            assert sum(map(len, answer.iter_content(65536))) == 3_000_000
        assert session.head(f"{url}/?size=99", timeout=10).headers["Content-Length"] == "99"
        assert session.get(f"{url}/?status=503", timeout=10).status_code == 503


def test_httpx_a_hundred_at_once(url: str) -> None:
    module("httpx")
    import httpx

    async def blocks() -> AsyncIterator[bytes]:
        for start in range(0, len(BODY), 50_000):
            yield BODY[start : start + 50_000]

    async def talk() -> None:
        async with asyncio.timeout(20), httpx.AsyncClient(base_url=url, trust_env=False) as client:
            answers = await asyncio.gather(*(client.get(f"/{number}") for number in range(100)))
            assert [answer.json()["path"] for answer in answers] == [f"/{number}" for number in range(100)]
            assert (await client.post("/sink", content=blocks())).json()["body_sha256"] == DIGEST
            async with client.stream("GET", "/bytes?size=3000000") as stream:
                assert sum([len(block) async for block in stream.aiter_bytes()]) == 3_000_000

    asyncio.run(talk())


def test_httpx_over_a_unix_socket(rproxy: Rproxy) -> None:
    module("httpx")
    import httpx

    path = rproxy.addresses["web"][1].removeprefix("unix:")
    transport = httpx.HTTPTransport(uds=path)
    with httpx.Client(transport=transport, base_url="http://test", trust_env=False) as client:
        assert client.get("/unix").json()["path"] == "/unix"


def test_aiohttp_requests_and_websocket(url: str) -> None:
    module("aiohttp")
    import aiohttp

    async def talk() -> None:
        async with asyncio.timeout(20), aiohttp.ClientSession(url) as session:
            async with session.post("/sink", data=BODY, expect100=True) as answer:
                assert json.loads(await answer.read())["body_sha256"] == DIGEST
            async with session.get("/bytes?size=3000000&chunked=1") as answer:
                assert len(await answer.read()) == 3_000_000
            async with session.ws_connect("/websocket", compress=15) as socket:
                for text in ("hello", "ä" * 10_000):
                    await socket.send_str(text)
                    assert await socket.receive_str() == text

    asyncio.run(talk())
