"""Requests that no backend sees: redirects and fixed answers."""

from __future__ import annotations

from proxy.core.config import Config, Frontend, Redirect, Respond, Route
from tests.engine.support import LOCALHOST, ask, client, outcomes, proxy, reason, status


def answering(*routes: Route, redirect: str = "https") -> Config:
    web = Frontend(name="web", listen=(LOCALHOST,), redirect=Redirect(to=redirect), routes=routes)
    return Config(frontends={"web": web})


ROBOTS = Route(path="/robots.txt", respond=Respond(status=200, body="Disallow: /\n"))


async def test_redirects_and_texts_on_one_connection() -> None:
    async with proxy(answering(ROBOTS)) as server:
        async with client(server) as wire:
            for method in (b"GET", b"HEAD", b"OPTIONS") * 3:
                await wire.send(method + b" /a?b HTTP/1.1\r\nHost: A.test:8080\r\n\r\n")
                head, body = await wire.response(to_head=method == b"HEAD")
                assert (status(head), body) == (308, b"")
                assert b"\r\nLocation: https://a.test/a?b\r\n" in head
                await wire.send(method + b" /robots.txt HTTP/1.1\r\nHost: a.test\r\n\r\n")
                head, body = await wire.response(to_head=method == b"HEAD")
                assert (status(head), body) == (200, b"" if method == b"HEAD" else b"Disallow: /\n")
        assert outcomes(server) == {"ok": 18}


async def test_a_long_pipeline_is_answered_in_order() -> None:
    async with proxy(answering()) as server, client(server) as wire:
        await wire.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(2000)))
        for number in range(2000):
            assert b"Location: https://a/%d\r\n" % number in await wire.head()


async def test_a_body_is_not_read_and_the_connection_ends() -> None:
    async with proxy(answering()) as server:
        for framing in (b"Content-Length: 100000", b"Transfer-Encoding: chunked", b"Content-Length: 4"):
            async with client(server) as wire:
                await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\n%b\r\n\r\nGET /smuggled HTTP/1.1\r\n" % framing)
                head, _ = await wire.response()
                assert status(head) == 308
                assert b"\r\nConnection: close\r\n" in head
                assert await wire.ended()


async def test_who_waits_for_100_gets_the_answer_at_once() -> None:
    async with proxy(answering()) as server, client(server) as wire:
        await wire.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert status((await wire.response())[0]) == 308
        assert await wire.ended()


async def test_http_1_0() -> None:
    async with proxy(answering()) as server, client(server) as wire:
        await wire.send(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        assert b"\r\nConnection: keep-alive\r\n" in await wire.head()
        await wire.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        assert b"\r\nConnection: close\r\n" in await wire.head()
        assert await wire.ended()


async def test_no_host_to_redirect_to() -> None:
    async with proxy(answering()) as server:
        head, _ = await ask(server, b"GET / HTTP/1.0\r\n\r\n")
        assert (status(head), reason(head)) == (400, "parse/no-host")


async def test_a_client_that_takes_nothing_is_not_waited_for_in_memory() -> None:
    """What it sends waits in the kernel until it has taken the answers before."""
    route = Route(path="/", respond=Respond(status=200, body="x" * 50_000))
    async with proxy(answering(route)) as server, client(server) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 500)
        for _ in range(500):
            assert len((await wire.response())[1]) == 50_000


async def test_a_route_admits_whom_it_allows_whatever_it_does() -> None:
    text = Respond(status=200, body="in")
    routes = (
        Route(path="/in", respond=text, allow=("127.0.0.0/8",), deny=("127.0.0.2/32",)),
        Route(path="/out", respond=text, deny=("127.0.0.1/32",)),
        Route(path="/unix", respond=text, allow=("unix:",)),
    )
    async with proxy(answering(*routes)) as server:
        for _ in range(3):
            assert (await ask(server, b"GET /in HTTP/1.1\r\nHost: a\r\n\r\n"))[1] == b"in"
            for path in (b"/out", b"/unix"):
                head, _ = await ask(server, b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path)
                assert (status(head), reason(head)) == (403, "admit/address-denied")
        assert outcomes(server) == {"ok": 3, "address-denied": 6}
