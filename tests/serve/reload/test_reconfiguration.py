"""Another configuration while clients are served: what did not change goes on, nobody is failed."""

# ruff: noqa: SIM117 - backends, a proxy before them, clients before that: nested as they are

from __future__ import annotations

import errno
import gc
import socket
import stat
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trio

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import (
    AccessLog,
    Certificate,
    Config,
    FrontendLimits,
    FrontendTimeouts,
    FrontendTls,
    ListenOptions,
    LogFile,
    Pool,
    Respond,
    Route,
)
from proxy.core.config import Backend as BackendConfig
from proxy.core.reload.listening import compare
from proxy.core.reload.plan import diff
from proxy.engine.access_log import RecordBuffer
from proxy.engine.backend import LiveBackend
from proxy.engine.frontend import Frontend as FrontendOfEngine
from proxy.engine.http.live_route import LiveRoute
from proxy.engine.http.reading import Reading
from proxy.engine.live_pool import LivePool
from proxy.serve.orders import BackendState, Emptied, Failed, Reconfigure
from tests.engine.support import (
    GET,
    LOCALHOST,
    OK,
    Gate,
    always,
    ask,
    backend,
    client,
    config,
    dial,
    echo,
    hello,
    proxy,
    status,
    until,
)
from tests.processes import free_port
from tests.tls import client_context, write_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proxy.core.address import Address
    from proxy.serve.orders import Report
    from proxy.serve.server import Server

OTHER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"


def change(server: Server, new: Config) -> None:
    """As a controller does, and the new sockets are bound for it."""
    opened = server.listeners.open_missing(compare(server.config, new), new)
    places = tuple((bound.frontend, bound.address) for bound in opened)
    server.send(Reconfigure(new, opened=places), [bound.sock for bound in opened])


def with_frontend(old: Config, **changes: Any) -> Config:
    return replace(old, frontends={"web": replace(old.frontends["web"], **changes)})


def with_pool(old: Config, **changes: Any) -> Config:
    return replace(old, pools={"app": replace(old.pools["app"], **changes)})


def reports_of(server: Server) -> list[Report]:
    said: list[Report] = []
    tell = server.report

    def report(what: Report) -> None:
        said.append(what)
        tell(what)

    server.report = report
    return said


# ---------------------------------------------------------------------- what goes on


async def test_nothing_is_touched_that_did_not_change() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(GET)
        await wire.response()
        frontend, pool, (listener,) = server.frontends["web"], server.pools["app"], server._accepting
        live, reading = pool.backends[0], frontend.reading
        change(server, replace(server.config, shutdown=replace(server.config.shutdown, drain=7.0)))
        assert (server.frontends["web"], server.pools["app"], server._accepting) == (frontend, pool, [listener])
        assert (pool.backends, frontend.reading) == ([live], reading)
        await wire.send(GET)
        await wire.response()
        assert app.connections == 1  # over the idle one


async def test_session_goes_on_by_the_new_rules_with_its_next_request() -> None:
    async with backend(always(OK)) as one, backend(always(OTHER)) as two:
        old = config(one.address, frontend={"routes": (Route(path="/x", pool="app"),)})
        other = replace(old.pools["app"], name="other", backends=config(two.address).pools["app"].backends)
        async with proxy(old) as server, client(server) as wire:
            await wire.send(GET)
            assert (await wire.response())[1] == b"ok"
            change(server, replace(with_frontend(old, pool="other"), pools={**old.pools, "other": other}))
            await wire.send(GET + GET.replace(b"/", b"/x", 1))
            assert (await wire.response())[1] == b"other"
            assert (await wire.response())[1] == b"ok"


async def test_running_exchange_ends_by_the_old_rules() -> None:
    """Its pool is gone by then."""
    gate = Gate()
    async with backend(gate) as one, backend(always(OTHER)) as two:
        old = config(one.address)
        other = replace(old.pools["app"], name="other", backends=config(two.address).pools["app"].backends)
        async with proxy(old) as server, client(server) as wire:
            said = reports_of(server)
            await wire.send(GET)
            await until(lambda: gate.arrived == 1)
            (idle,) = server.pools["app"].backends
            change(server, replace(with_frontend(old, pool="other"), pools={"other": other}))
            assert (await ask(server))[1] == b"other"
            gate.open()
            assert (await wire.response())[1] == b"ok"
            await wire.send(GET)
            assert (await wire.response())[1] == b"other"
            await until(lambda: not server.departing.pools)
            assert said == [Emptied("app", idle.name)]
            assert not idle.idle


async def test_limit_of_requests_counts_those_before_the_change() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(GET * 3)
        for _ in range(3):
            await wire.response()
        change(server, with_frontend(server.config, limits=FrontendLimits(requests_per_connection=5)))
        await wire.send(GET * 2)
        assert b"Connection: close" not in (await wire.response())[0]
        assert b"Connection: close" in (await wire.response())[0]


async def test_connection_over_the_new_limit_of_requests_has_one_more() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(GET * 3)
        for _ in range(3):
            await wire.response()
        change(server, with_frontend(server.config, limits=FrontendLimits(requests_per_connection=2)))
        await wire.send(GET)
        assert b"Connection: close" in (await wire.response())[0]


async def test_without_a_limit_of_requests_there_is_none_any_more() -> None:
    async with backend(hello) as app:
        async with proxy(config(app.address, limits={"requests_per_connection": 2})) as server, client(server) as wire:
            await wire.send(GET)
            await wire.response()
            change(server, with_frontend(server.config, limits=FrontendLimits(requests_per_connection=0)))
            for _ in range(5):
                await wire.send(GET)
                assert b"Connection: close" not in (await wire.response())[0]


async def test_shorter_timeout_holds_for_the_next_request() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        change(server, with_frontend(server.config, timeouts=FrontendTimeouts(keep_alive=0.1)))
        await wire.send(GET)
        await wire.response()
        assert await wire.ended()


async def test_heads_known_by_their_bytes_are_judged_anew_when_what_is_retried_changes() -> None:
    busy = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    async with backend(always(busy)) as one, backend(hello) as two:
        async with proxy(config(one.address, two.address, balance="least-connections")) as server:
            statuses = [status((await ask(server))[0]) for _ in range(6)]
            assert statuses.count(503) == 3
            change(server, with_pool(server.config, retry_on=("503",)))
            assert [status((await ask(server))[0]) for _ in range(6)] == [200] * 6


# ---------------------------------------------------------------------- backends


async def test_backends_come_and_go_under_load() -> None:
    """Every request is answered, whatever is added and removed meanwhile."""
    async with backend(hello) as one, backend(hello) as two, backend(hello) as three:
        sets = [(one, two), (two, three), (three,), (one, two, three), (one,)]
        configs = [config(*(app.address for app in apps)) for apps in sets]
        answered, is_over = 0, False

        async def ask_on(server: Server) -> None:
            nonlocal answered
            async with client(server) as wire:
                while not is_over:
                    await wire.send(GET)
                    assert status((await wire.response())[0]) == 200
                    answered += 1

        async with proxy(configs[0]) as server, trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(ask_on, server)
            for number in range(1, 21):
                seen = answered
                await until(lambda: answered > seen + 20)  # noqa: B023 - it is over within the round
                web = server.config.frontends["web"]
                change(server, replace(configs[number % 5], frontends={"web": web}))
            is_over = True
        assert all(app.connections for app in (one, two, three))


async def test_removed_backend_is_told_of_when_it_is_empty_and_keeps_no_connection() -> None:
    gate = Gate()
    async with backend(gate) as one, backend(hello) as two:
        async with proxy(config(one.address)) as server, client(server) as wire:
            said = reports_of(server)
            await wire.send(GET)
            await until(lambda: gate.arrived == 1)
            change(server, with_pool(server.config, backends=config(two.address).pools["app"].backends))
            assert (await ask(server))[1] == b"ok"
            assert not said
            gate.open()
            await wire.response()
            await until(lambda: said == [Emptied("app", str(one.address))])
            await until(lambda: one.open == 0)
            assert not server.pools["app"].leaving


async def test_tunnels_to_a_removed_backend_are_cut_when_their_time_is_over() -> None:
    async with backend(echo) as one, backend(echo) as two:
        settings = config(one.address, mode="tcp", pool_timeouts={"drain": 0.2})
        async with proxy(settings) as server, client(server) as wire:
            await wire.send(b"before")
            await wire.exactly(6)
            change(server, with_pool(settings, backends=config(two.address).pools["app"].backends))
            await wire.send(b"after")
            assert await wire.exactly(5) == b"after"
            assert not await wire.ended()


async def test_drained_backend_keeps_its_tunnel_and_is_told_of_when_that_ends() -> None:
    async with backend(echo) as one, proxy(config(one.address, mode="tcp")) as server:
        said = reports_of(server)
        async with client(server) as wire:
            await wire.send(b"before")
            await wire.exactly(6)
            server.send(BackendState(pool="app", backend=str(one.address), is_draining=True))
            await wire.send(b"after")
            assert await wire.exactly(5) == b"after"
            assert not said
        await until(lambda: said == [Emptied("app", str(one.address))])


async def test_what_is_decided_of_new_backends_comes_with_them() -> None:
    """No request meets one whose process has not been started yet."""
    async with backend(hello) as one, backend(hello) as two:
        async with proxy(config(one.address)) as server:
            new = with_pool(server.config, backends=config(one.address, two.address).pools["app"].backends)
            state = BackendState(pool="app", backend=str(two.address), is_healthy=False)
            server.send(Reconfigure(new, states=(state,)))
            for _ in range(4):
                await ask(server)
            assert (one.connections, two.connections) == (1, 0)


async def test_work_that_waits_does_not_go_to_a_new_backend_that_is_not_up_yet() -> None:
    gate = Gate()
    async with backend(gate) as one, backend(hello) as two:
        limited = BackendConfig(address=one.address, max_connections=1)
        async with proxy(config(limited)) as server, client(server) as first, client(server) as second:
            await first.send(GET)
            await until(lambda: gate.arrived == 1)
            await second.send(GET)
            await until(lambda: server.pools["app"].waiting == 1)
            new = with_pool(server.config, backends=config(limited, two.address).pools["app"].backends)
            state = BackendState(pool="app", backend=str(two.address), is_healthy=False)
            server.send(Reconfigure(new, states=(state,)))
            assert server.pools["app"].waiting == 1
            server.send(replace(state, is_healthy=True))
            await second.response()
            gate.open()
            await first.response()


# ---------------------------------------------------------------------- listeners


async def answers_at(address: Address) -> bool:
    try:
        wire = await dial(address)
    except OSError:
        return False
    await wire.send(GET)
    head, _ = await wire.response()
    wire.close()
    return status(head) == 200


async def test_addresses_come_and_go(tmp_path: Path) -> None:
    path = UnixAddress(str(tmp_path / "web.sock"))
    async with backend(hello) as app, proxy(config(app.address)) as server:
        old = server.addresses["web"][0]
        change(server, with_frontend(server.config, listen=(path,)))
        assert await answers_at(path)
        with pytest.raises(OSError, match="refused") as caught:
            await dial(old)
        assert caught.value.errno == errno.ECONNREFUSED
        change(server, with_frontend(server.config, listen=(LOCALHOST,)))
        assert await answers_at(server.addresses["web"][0])
        assert not (tmp_path / "web.sock").exists()


async def test_clients_in_the_queue_of_a_removed_address_are_served() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server:
        waiting = socket.create_connection(("127.0.0.1", server.addresses["web"][0].port))  # type: ignore[union-attr] # TCP
        change(server, with_frontend(server.config, listen=(LOCALHOST,)))
        waiting.setblocking(False)
        stream = trio.socket.from_stdlib_socket(waiting)
        await stream.send(GET)
        assert (await stream.recv(1000)).startswith(b"HTTP/1.1 200")
        stream.close()


async def test_every_address_of_this_machine_takes_the_place_of_one_of_them() -> None:
    """And back: two sockets of ours on one port, for as long as one replaces the other."""
    port = free_port()
    one, every = TcpAddress("127.0.0.1", port), TcpAddress("0.0.0.0", port)
    async with backend(hello) as app, proxy(config(app.address, listen=one)) as server:
        for address in (every, one, every):
            change(server, with_frontend(server.config, listen=(address,)))
            assert server.addresses["web"] == [address]
            assert await answers_at(one)


async def test_options_of_a_socket_that_stays_change(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "web.sock"
    async with backend(hello) as app, proxy(config(app.address, listen=UnixAddress(str(path)))) as server:
        for mode in (0o600, 0o660):
            new = with_frontend(server.config, socket=ListenOptions(unix_mode=mode, backlog=7))
            server.listeners.adjust(diff(server.config, new))
            change(server, new)
            assert stat.S_IMODE(path.stat().st_mode) == mode
        path.rename(tmp_path / "moved.sock")
        server.listeners.adjust(diff(server.config, with_frontend(server.config, socket=ListenOptions())))
        assert "stays as it was" in caplog.text


async def test_address_that_cannot_be_bound_leaves_nothing_behind() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with backend(hello) as app, proxy(config(app.address)) as server:
            bad = TcpAddress(*taken.getsockname())
            with pytest.raises(Exception, match="cannot listen on"):
                change(server, with_frontend(server.config, listen=(TcpAddress("127.0.0.1", port), bad)))
            assert await answers_at(server.addresses["web"][0])
            socket.create_server(("127.0.0.1", port)).close()


async def test_address_moves_to_another_frontend_with_all_who_wait() -> None:
    address = TcpAddress("127.0.0.1", free_port())
    async with backend(hello) as app, proxy(config(app.address, listen=address)) as server:
        sock = server.listeners.bound[0].sock
        web = server.config.frontends["web"]
        api = replace(web, name="api", pool=None, respond=Respond(status=202))
        change(server, replace(server.config, frontends={"api": api, "web": replace(web, listen=(LOCALHOST,))}))
        assert [bound.frontend for bound in server.listeners.bound if bound.sock is sock] == ["api"]
        wire = await dial(address)
        await wire.send(GET)
        assert status((await wire.response())[0]) == 202
        wire.close()


# ---------------------------------------------------------------------- frontends that cannot go on as they are


async def test_sessions_without_a_log_end_with_their_next_answer_when_there_is_one(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    async with backend(hello) as app, proxy(config(app.address)) as server:
        async with client(server) as old:
            await old.send(GET)
            await old.response()
            before = server.frontends["web"].outcomes
            change(server, with_frontend(server.config, access_log=AccessLog(to=LogFile(str(log)))))
            async with client(server) as new:
                await new.send(GET)
                await new.response()
            await old.send(GET)
            assert b"Connection: close" in (await old.response())[0]
            assert await old.ended()
        assert server.frontends["web"].accepted == 2
        assert server.frontends["web"].completed >= before["ok"] + 1
        await until(lambda: not server.departing.frontends)
        await until(lambda: len(log.read_text().splitlines()) == 1)
        change(server, with_frontend(server.config, access_log=None))
        await until(lambda: not server.logs)


async def test_mode_changes_and_a_tcp_session_lives_on() -> None:
    async with backend(echo) as app, proxy(config(app.address, mode="tcp")) as server:
        async with client(server) as tcp:
            await tcp.send(b"before")
            await tcp.exactly(6)
            change(server, with_frontend(server.config, mode="http", pool=None, respond=Respond(status=202)))
            assert status((await ask(server))[0]) == 202
            await tcp.send(b"after")
            assert await tcp.exactly(5) == b"after"
            assert server.active == 1


async def test_idle_sessions_of_a_removed_frontend_are_closed_in_the_end() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server:
        web = server.config.frontends["web"]
        api = replace(web, name="api")
        both = replace(server.config, frontends={"web": web, "api": api})
        change(server, replace(both, shutdown=replace(both.shutdown, drain=0.1)))
        async with client(server.addresses["api"][0]) as wire:
            await wire.send(GET)
            await wire.response()
            change(server, replace(server.config, frontends={"web": web}))
            assert await wire.ended()
        await until(lambda: not server.departing.frontends)


# ---------------------------------------------------------------------- what cannot be


async def test_log_that_cannot_be_opened_changes_nothing_and_says_why(tmp_path: Path) -> None:
    bad = AccessLog(to=LogFile(str(tmp_path / "nowhere" / "web.log")))
    async with backend(hello) as app, proxy(config(app.address)) as server:
        said = reports_of(server)
        before, frontend = server.config, server.frontends["web"]
        change(server, with_frontend(server.config, access_log=bad, listen=(LOCALHOST, LOCALHOST)))
        (failed,) = said
        assert isinstance(failed, Failed)
        assert "cannot open" in failed.why
        assert server.config == before
        assert server.frontends["web"] is frontend
        assert len(server.addresses["web"]) == 1
        assert await answers_at(server.addresses["web"][0])


async def test_pool_that_was_removed_and_is_back_is_a_new_one() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server:
        spare = Pool(name="spare", backends=server.config.pools["app"].backends)
        with_spare = replace(server.config, pools={**server.config.pools, "spare": spare})
        change(server, with_spare)
        first = server.pools["spare"]
        change(server, replace(with_spare, pools={"app": with_spare.pools["app"]}))
        change(server, with_spare)
        assert server.pools["spare"] is not first
        await until(lambda: not server.departing.pools)


@pytest.fixture
def no_collection() -> Iterator[None]:
    """There is hardly any while clients are served (serve/machine/tuning.py), so that nothing may be left to it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_old_configurations_are_not_kept(no_collection: None, tmp_path: Path) -> None:
    """Of many reloads under way with requests nothing is left but the last, and a twin of each backend for probes.

    Not round-robin, whose places and groups know each other: some 500 bytes a backend of a pool that is gone."""

    def kept() -> Counter[str]:
        kinds = (LiveRoute, Reading, FrontendOfEngine, LiveBackend, LivePool, RecordBuffer)
        return Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, kinds))

    before = kept()
    log = AccessLog(to=LogFile(str(tmp_path / "log")))
    route = Route(path="/x", pool="app", deny=("192.0.2.0/24",), set_response_headers={"Y": "1"})
    async with backend(hello) as app, backend(hello) as other:
        async with proxy(config(app.address, balance="random")) as server:
            for number in range(20):
                rules = {"set_request_headers": {"X": "{client}"}, "routes": (route,) * (1 + number % 2)}
                new = with_frontend(server.config, access_log=[None, log][number // 2 % 2], **rules)
                apps = config(*(each.address for each in (app, other)[number % 2 :]), balance="random").pools["app"]
                change(
                    server, replace(new, pools={"app": apps, f"spare{number}": replace(apps, name=f"spare{number}")})
                )
                for target in (GET, GET.replace(b"/", b"/x", 1)):
                    assert status((await ask(server, target))[0]) == 200
            expected = {"LiveRoute": 3, "Reading": 2, "Frontend": 1, "RecordBuffer": 1, "LiveBackend": 3, "LivePool": 2}
            await until(lambda: kept() - before == expected)


# ---------------------------------------------------------------------- TLS


def tls_of(directory: Path, name: str) -> FrontendTls:
    certificate, key = write_certificate(directory, name, stem=name)
    return FrontendTls(certificates=(Certificate(certificate=certificate, key=key),))


async def name_shown_by(server: Server) -> str:
    async with client(server) as wire:
        stream = trio.SSLStream(wire.stream, client_context(), server_hostname=None)
        stream.context.check_hostname = False
        await stream.do_handshake()
        names: list[str] = [name for _, name in stream.getpeercert()["subjectAltName"]]
        return names[0]


async def test_tls_comes_and_goes_and_certificates_change(tmp_path: Path) -> None:
    first, second = (tls_of(tmp_path, name) for name in ("a.test", "b.test"))
    async with backend(hello) as app, proxy(config(app.address)) as server:
        assert status((await ask(server))[0]) == 200
        change(server, with_frontend(server.config, tls=first))
        assert await name_shown_by(server) == "a.test"
        watched = server.certificates.watched["web"]
        change(server, with_frontend(server.config, limits=FrontendLimits(headers=7)))
        assert server.certificates.watched["web"] is watched  # not read again
        change(server, with_frontend(server.config, tls=second))
        assert await name_shown_by(server) == "b.test"
        change(server, with_frontend(server.config, tls=None))
        assert status((await ask(server))[0]) == 200
        assert not server.certificates.watched


async def test_handshake_that_is_under_way_ends_as_it_began(tmp_path: Path) -> None:
    async with (
        backend(hello) as app,
        proxy(config(app.address, frontend={"tls": tls_of(tmp_path, "a.test")})) as server,
    ):
        address = server.addresses["web"][0]
        assert isinstance(address, TcpAddress)
        early = await trio.open_tcp_stream(address.host, address.port)
        await until(lambda: server.active == 1)
        change(server, with_frontend(server.config, tls=None, access_log=None, mode="http"))
        speaking = trio.SSLStream(early, client_context(), server_hostname="a.test")
        await speaking.send_all(GET)
        assert (await speaking.receive_some(100)).startswith(b"HTTP/1.1 200")
        await trio.aclose_forcefully(speaking)
