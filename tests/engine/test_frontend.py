"""What the sessions of a frontend share: routes, the one record of outcomes, the health that connects tell."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from proxy.core.config import Backend, Config, Frontend, Pool, Route
from tests.engine.support import (
    LOCALHOST,
    NOBODY,
    always,
    ask,
    backend,
    config,
    hello,
    outcomes,
    proxy,
    reason,
    status,
)

if TYPE_CHECKING:
    import pytest


async def test_routes_choose_the_pool_by_host_and_path() -> None:
    def says(word: bytes) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(word), word)

    async with backend(always(says(b"api"))) as api, backend(always(says(b"v1"))) as v1, backend(hello) as rest:
        pools = {
            name: Pool(name=name, backends=(Backend(address=app.address),))
            for name, app in (("api", api), ("v1", v1), ("rest", rest))
        }
        routes = (Route(host="api.test", pool="api"), Route(path="/v1/", pool="v1"))
        web = Frontend(name="web", listen=(LOCALHOST,), routes=routes, pool="rest")
        async with proxy(Config(frontends={"web": web}, pools=pools)) as server:
            for host, path, expected in (
                (b"API.test:80", b"/v1/x", b"api"),
                (b"other", b"/v1/x", b"v1"),
                (b"other", b"/v1", b"ok"),
                (b"other", b"/v1/?q", b"v1"),
            ):
                data = b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (path, host)
                for _ in range(3):  # parsed, offered, remembered
                    assert (await ask(server, data))[1] == expected


async def test_outcomes_are_counted_once_each() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server:
        for _ in range(3):
            await ask(server)
        await ask(server, b"GET / HTTP/1.1\r\n\r\n")
        assert outcomes(server) == {"ok": 3, "no-host": 1}


async def test_failures_are_logged_with_phase_reason_and_backend(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with proxy(config(NOBODY)) as server:
        await ask(server)
    assert any("upstream dial connect-refused" in r.getMessage() and "127.0.0.1:1" in r.getMessage()
               for r in caplog.records)  # fmt: skip


async def test_backend_that_refuses_again_and_again_leaves_service_while_there_are_others() -> None:
    async with backend(hello) as app, proxy(config(NOBODY, app.address)) as server:
        refusing, _ = server.pools["app"].backends
        for _ in range(8):
            assert (await ask(server))[1] == b"ok"
        assert not refusing.is_healthy
        picked = refusing.picked
        await ask(server)
        assert refusing.picked == picked


async def test_only_backend_is_tried_however_often_it_refused() -> None:
    async with proxy(config(NOBODY)) as server:
        for _ in range(6):
            head, _ = await ask(server)
            assert (status(head), reason(head)) == (502, "dial/connect-refused")


async def test_failures_that_are_not_in_a_row_do_not_add_up() -> None:
    close_after_each = always(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    async with backend(close_after_each) as app, proxy(config(app.address, app.address, retries=1)) as server:
        first, _ = server.pools["app"].backends
        right, wrong = first.sockaddr, ("127.0.0.1", 1)
        for number in range(12):
            first.sockaddr = right if number % 4 < 2 else wrong  # each is picked for every second request
            assert (await ask(server))[1] == b"ok"
        assert first.is_healthy
