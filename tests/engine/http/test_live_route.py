"""What routes do to heads and bodies on their way, over real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxy.core.config import Backend, Config, Frontend, FrontendLimits, FrontendTimeouts, Pool, Route
from tests.engine.support import LOCALHOST, OK, Wire, always, ask, backend, client, hello, proxy, reason, status

if TYPE_CHECKING:
    from proxy.core.address import Address

GET = b"GET %b HTTP/1.1\r\nHost: a.test:80\r\n\r\n"


def settings(address: Address, *routes: Route, **web: Any) -> Config:
    frontend = Frontend(name="web", listen=(LOCALHOST,), routes=routes, **{"pool": "app", **web})
    return Config(frontends={"web": frontend}, pools={"app": Pool(name="app", backends=(Backend(address=address),))})


async def noting(wire: Wire) -> None:
    """Answers with the head that it received."""
    while True:
        head, _ = await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nServer: app\r\nContent-Length: %d\r\n\r\n%b" % (len(head), head))


async def test_the_backend_gets_another_path_and_other_fields() -> None:
    route = Route(path="/api", pool="app", rewrite="/", set_request_headers={"Host": "inside", "X-User": "nobody"})
    async with backend(noting) as app, proxy(settings(app.address, route, underscores="keep")) as server:
        for _ in range(3):  # parsed, offered, remembered
            _, seen = await ask(server, b"GET /api/x?y HTTP/1.1\r\nHost: a.test\r\nx_user: root\r\nA: b\r\n\r\n")
            assert seen == (
                b"GET /x?y HTTP/1.1\r\nHost: inside\r\nX-User: nobody\r\nA: b\r\nX-Forwarded-Host: a.test\r\n"
                b"Via: 1.1 rproxy\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n\r\n"
            )
        _, seen = await ask(server, GET % b"/apix")
        assert seen.startswith(b"GET /apix HTTP/1.1\r\nHost: a.test:80\r\n")


async def test_fields_that_tell_of_the_client_are_new_each_time() -> None:
    wanted = {"X-Real-IP": "{client}", "X-Request-ID": "{request_id}", "X-Url": "{proto}://{host}/"}
    async with backend(noting) as app, proxy(settings(app.address, set_request_headers=wanted)) as server:
        ids = set()
        async with client(server) as wire:
            for _ in range(4):
                await wire.send(b"GET / HTTP/1.1\r\nHost: a.test\r\nX-Real-IP: 10.0.0.1\r\n\r\n")
                _, seen = await wire.response()
                assert seen.count(b"X-Real-IP: ") == seen.count(b"X-Real-IP: 127.0.0.1\r\n") == 1
                assert b"\r\nX-Url: http://a.test/\r\n" in seen
                ids.add(seen.partition(b"X-Request-ID: ")[2].partition(b"\r\n")[0])
        assert [len(number) for number in ids] == [32] * 4


async def test_response_fields_of_a_route_do_not_get_into_answers_of_another() -> None:
    private = Route(path="/private", pool="app", set_response_headers={"Cache-Control": "no-store"})
    bare = Route(path="/bare", pool="app", remove_response_headers=("server",))
    answer = b"HTTP/1.1 200 OK\r\nServer: app\r\nCache-Control: public\r\nContent-Length: 2\r\n\r\nok"
    async with backend(always(answer)) as app, proxy(settings(app.address, private, bare)) as server:
        for _ in range(4):
            assert (await ask(server, GET % b"/"))[0] == answer[:-2]
            assert b"Cache-Control: no-store\r\n" in (await ask(server, GET % b"/private"))[0]
            assert (await ask(server, GET % b"/bare"))[0] == answer[:-2].replace(b"Server: app\r\n", b"")


async def test_response_fields_with_every_framing_of_the_body() -> None:
    changed = {"set_response_headers": {"X-Mine": "yes"}, "remove_response_headers": ("Server",)}
    chunked = b"HTTP/1.1 200 OK\r\nServer: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    endless = b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\nok"
    for answer in (chunked, endless, OK):
        script = always(answer, then_close=answer is endless)
        async with backend(script) as app, proxy(settings(app.address, **changed)) as server:
            for version in (b"1.1", b"1.0"):
                head, body = await ask(server, b"GET / HTTP/%b\r\nHost: a\r\n\r\n" % version)
                assert body == b"ok"
                assert b"\r\nX-Mine: yes\r\n" in head
                assert b"Server" not in head


async def test_interim_answers_stay_as_they_are() -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nServer: x\r\n\r\n" + OK
    async with (
        backend(always(answer)) as app,
        proxy(settings(app.address, remove_response_headers=("Server",))) as server,
        client(server) as wire,
    ):
        await wire.send(GET % b"/")
        assert await wire.head() == b"HTTP/1.1 103 Early Hints\r\nServer: x\r\n\r\n"
        assert (await wire.response())[1] == b"ok"


async def test_a_route_has_its_own_limit_of_bodies() -> None:
    routes = (Route(path="/large", pool="app", body=0), Route(path="/small", pool="app", body=1))
    limits = FrontendLimits(body=2)
    async with backend(hello) as app, proxy(settings(app.address, *routes, limits=limits)) as server:
        for path, size, expected in ((b"/large", 9, 200), (b"/small", 1, 200), (b"/small", 2, 413), (b"/", 3, 413)):
            body = b"x" * size
            for framed in (
                b"Content-Length: %d\r\n\r\n%b" % (size, body),
                b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (size, body),
            ):
                head, _ = await ask(server, b"POST %b HTTP/1.1\r\nHost: a\r\n%b" % (path, framed))
                assert status(head) == expected
                assert reason(head) == ("parse/body-too-large" if expected == 413 else "")


async def test_the_limit_of_a_whole_exchange_goes_with_fields_of_the_client() -> None:
    web = {"set_request_headers": {"X-Real-IP": "{client}"}, "timeouts": FrontendTimeouts(exchange=5.0)}
    async with backend(noting) as app, proxy(settings(app.address, **web)) as server:
        assert b"X-Real-IP: 127.0.0.1\r\n" in (await ask(server))[1]


async def test_nobody_speaks_in_the_name_of_a_field_behind_a_body() -> None:
    chunks = b"2\r\nok\r\n0\r\nX-User: eve\r\nX-Sum: 1\r\n\r\n"
    seen = []

    async def script(wire: Wire) -> None:
        seen.append(await wire.until(b"X-Sum: 1\r\n\r\n"))
        await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)

    changed = {"set_request_headers": {"X-User": "{client}"}, "remove_response_headers": ("x-user",)}
    async with backend(script) as app, proxy(settings(app.address, **changed)) as server, client(server) as wire:
        request = b"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: te\r\nTransfer-Encoding: chunked\r\n\r\n"
        await wire.send(request + chunks)
        answer = await wire.until(b"X-Sum: 1\r\n\r\n")
        assert b"X-User" not in answer
        assert seen[0].count(b"X-User: ") == seen[0].count(b"X-User: 127.0.0.1\r\n") == 1
