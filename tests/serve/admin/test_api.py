"""The paths that are looked at, over real sockets."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import trio

from proxy import __version__
from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.metrics.times import COARSE
from tests.engine.support import NOBODY, Wire, ask, backend, client, config, hello
from tests.serve.admin.support import BEARER, operated, told, with_admin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.serve.admin.support import Operated


async def test_statistics_tell_of_work_that_was_done() -> None:
    async with backend(hello) as app, operated(with_admin(config(app.address))) as rproxy:
        for _ in range(3):
            await ask(rproxy.server)
        found = await told(rproxy, lambda found: found["frontends"][0]["exchanges"] == 3)
        (web,), (pool,), (worker,) = found["frontends"], found["pools"], found["workers"]
        assert found["version"] == __version__
        assert (web["name"], web["mode"], web["statuses"], web["reasons"]) == ("web", "http", {"200": 3}, {"ok": 3})
        assert web["addresses"] == [str(rproxy.server.addresses["web"][0])]
        assert web["phases"]["total"]["count"] == 3
        assert tuple(web["phases"]["total"]["bounds"]) == COARSE
        assert len(web["phases"]["total"]["counts"]) == len(COARSE) + 1
        assert (pool["name"], pool["balance"]) == ("app", "round-robin")
        one = pool["backends"][0]
        assert (one["address"], one["state"], one["picked"], one["statuses"]) == (
            str(app.address), "ready", 3, {"200": 3}
        )  # fmt: skip
        assert 0 < one["latency"]["p50"] <= one["latency"]["p99"]
        assert (worker["number"], worker["state"], worker["accepted"], worker["exchanges"]) == (1, "running", 3, 3)


STREAM = b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n"


def admin_address(rproxy: Operated) -> TcpAddress:
    assert rproxy.server.listeners.admin is not None
    return TcpAddress(*rproxy.server.listeners.admin.sock.getsockname())


async def next_event(wire: Wire) -> Any:
    await wire.until(b"data: ")
    return json.loads(await wire.until(b"\n\n"))


async def test_events_are_the_statistics_again_and_again() -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy, client(admin_address(rproxy)) as wire:
        await wire.send(STREAM)
        head = await wire.head()
        assert b"content-type: text/event-stream" in head
        assert b"cache-control: no-store" in head
        first, second = await next_event(wire), await next_event(wire)
        assert first["now"] < second["now"]
        assert first["pools"][0]["backends"][0]["address"] == str(NOBODY)


async def test_an_open_event_stream_does_not_keep_rproxy_from_ending() -> None:
    async with AsyncExitStack() as stack:
        async with operated(with_admin(config(NOBODY))) as rproxy:
            wire = await stack.enter_async_context(client(admin_address(rproxy)))
            await wire.send(STREAM)
            await next_event(wire)
        assert (await wire.rest()).endswith(b"\r\n0\r\n\r\n")


async def test_many_who_look_at_once_are_told_the_same() -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy:
        answers = []

        async def look() -> None:
            answers.append((await rproxy.http.get("/api/statistics")).text)

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(look)
    assert len(set(answers)) < 10


async def test_what_is_said_is_what_the_openapi_says() -> None:
    async with backend(hello) as app, operated(with_admin(config(app.address))) as rproxy:
        await ask(rproxy.server)
        found = await told(rproxy, lambda found: found["frontends"][0]["exchanges"])
        api = (await rproxy.http.get("/openapi.json")).json()
        jsonschema.validate(found, {"$ref": "#/components/schemas/Statistics", "components": api["components"]})
        assert api["info"]["version"] == __version__
        changes = {path for path, methods in api["paths"].items() if "post" in methods}
        assert all(api["paths"][path]["post"]["security"] for path in changes)
        for path, methods in api["paths"].items():
            assert all(method["description"] for method in methods.values()), path


async def test_the_page_may_load_nothing_from_elsewhere() -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy:
        page = await rproxy.http.get("/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert (await rproxy.http.get("/dashboard/main.js")).headers["content-type"].startswith("text/javascript")


async def test_health() -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy:
        answer = await rproxy.http.get("/healthz")
        assert (answer.status_code, answer.text) == (200, "ok\n")


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/api/nothing", 404, "there is nothing at /api/nothing; /openapi.json says what there is"),
        ("POST", "/metrics", 405, "/metrics does not take POST"),
        ("GET", "/docs", 404, "there is nothing at /docs; /openapi.json says what there is"),
    ],
)
async def test_a_fault_is_json_with_a_sentence(method: str, path: str, status: int, message: str) -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy:
        answer = await rproxy.http.request(method, path, headers=BEARER)
        assert (answer.status_code, answer.json()) == (status, {"error": message})


async def test_over_a_unix_socket_of_its_own_mode(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    async with operated(with_admin(config(NOBODY), UnixAddress(str(path)), unix_mode=0o600)) as rproxy:
        assert path.stat().st_mode & 0o777 == 0o600
        assert (await rproxy.http.get("/healthz")).status_code == 200
    assert not path.exists()


async def statistics_of(rproxy: Operated) -> object:
    return (await rproxy.http.get("/api/statistics")).json()


async def test_it_answers_while_rproxy_drains() -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy:
        await rproxy.server.drain(0.0)
        assert await statistics_of(rproxy)
