"""What a data plane tells: of work that was done, refused and tried again, with an access log and without."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.metrics.told import BackendTold, Ended
from proxy.engine.make_backends import make_backends
from proxy.serve.metrics import Teller
from proxy.serve.orders import Reconfigure
from tests.engine.logs import Log
from tests.engine.support import GET, NOBODY, Gate, ask, backend, client, config, echo, hello, proxy, until
from tests.serve.admin.support import operated, with_admin

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.metrics.told import FrontendTold
    from tests.serve.admin.support import Operated


@pytest.fixture(autouse=True)
def on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test takes is told."""

    async def wait(self: Teller) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr(Teller, "run", wait)


def ended(told: FrontendTold) -> dict[tuple[str, int, str], int]:
    return {(one.backend, one.status, one.reason): one.count for one in told.ended}


def told_of(rproxy: Operated, teller: Teller) -> FrontendTold:
    return teller.take().frontends["web"]


async def test_without_admin_nothing_is_kept_to_be_told() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server:
        await ask(server)
        assert server.frontends["web"].tally is None
        assert server.frontends["web"].records is None
        assert Teller(server).take().frontends["web"].accepted == 1


async def test_exchanges_and_connections_are_told_once() -> None:
    async with backend(hello) as app, operated(with_admin(config(app.address))) as rproxy:
        teller = Teller(rproxy.server)
        name = str(app.address)
        await ask(rproxy.server)
        await ask(rproxy.server, b"NOT A REQUEST\r\n\r\n")
        await until(lambda: rproxy.server.active == 0)
        first = teller.take()
        web = first.frontends["web"]
        assert (web.active, web.accepted) == (0, 2)
        assert ended(web) == {(name, 200, "ok"): 1, ("", 501, "parse/method"): 1}
        assert web.latencies["app"][name]
        assert first.pools["app"].backends[name] == BackendTold(taken=0, idle=1, picked=1)
        second = teller.take()
        assert (second.frontends["web"].accepted, second.frontends["web"].ended) == (0, [])
        assert second.pools["app"].backends[name] == BackendTold(idle=1)
        rproxy.server.pools["app"].backends[0].expire(float("inf"))
        assert teller.take().pools["app"].backends == {}


async def test_an_access_log_beside_it_counts_the_same(tmp_path: Path) -> None:
    log = Log(tmp_path)
    async with backend(hello) as app:
        async with operated(with_admin(config(app.address, frontend=log.settings))) as rproxy:
            teller = Teller(rproxy.server)
            await ask(rproxy.server)
            found: list[Ended] = []
            while not found:
                await trio.sleep(0.01)
                found = told_of(rproxy, teller).ended
            assert found == [Ended("app", str(app.address), 200, "ok", 1, len(GET), found[0].bytes_out)]
    assert log.line["bytes_out"] == found[0].bytes_out


async def test_what_runs_and_what_waits() -> None:
    gate = Gate()
    async with backend(gate) as app, operated(with_admin(config(app.address))) as rproxy:
        pool = rproxy.server.pools["app"]
        pool.set_limit(pool.backends[0], 1)
        async with client(rproxy.server) as one, client(rproxy.server) as two:
            await one.send(GET)
            await two.send(GET)
            await until(lambda: pool.waiting == 1)
            told = Teller(rproxy.server).take()
            assert told.frontends["web"].active == 2
            assert told.pools["app"].waiting == 1
            assert told.pools["app"].backends[str(app.address)].taken == 1
            gate.open()
            await one.response()
            await two.response()


async def test_tries_that_failed_and_were_made_again() -> None:
    async with backend(hello) as app, operated(with_admin(config(NOBODY, app.address))) as rproxy:
        await ask(rproxy.server)
        told = Teller(rproxy.server).take()
        assert told.pools["app"].retried == {"connect-failure": 1}
        assert told.pools["app"].backends[str(NOBODY)].failures == {"connect-refused": 1}
        assert told.pools["app"].backends[str(app.address)].failures == {}


async def test_a_tcp_session_is_told_of_when_it_has_ended() -> None:
    async with backend(echo) as app, operated(with_admin(config(app.address, mode="tcp"))) as rproxy:
        teller = Teller(rproxy.server)
        async with client(rproxy.server) as wire:
            await wire.send(b"hello")
            await wire.exactly(5)
            web = told_of(rproxy, teller)
            assert (web.active, web.ended) == (1, [])
        await until(lambda: rproxy.server.active == 0)
        web = told_of(rproxy, teller)
        assert web.ended == [Ended("app", str(app.address), 0, "ok", 1, 5, 5)]
        assert web.phases.keys() == {"pick", "dial", "tunnel", "total"}


async def test_what_comes_again_begins_anew() -> None:
    async with backend(hello) as app, operated(with_admin(config(app.address))) as rproxy:
        teller, pool = Teller(rproxy.server), rproxy.server.pools["app"]
        name = pool.backends[0].name
        pool.backends[0].picked = 7
        assert teller.take().pools["app"].backends[name].picked == 7
        (another,) = make_backends(pool.config)
        another.picked = 9
        pool.backends = [another]
        assert teller.take().pools["app"].backends[name].picked == 9


async def test_a_frontend_with_a_successor_is_told_of_as_one(tmp_path: Path) -> None:
    """Its sessions cannot go on when an access log comes; they end by the old rules, and are counted all the same."""
    gate = Gate()
    async with backend(gate) as app:
        plain = with_admin(config(app.address))
        logged = replace(plain, frontends=config(app.address, frontend=Log(tmp_path).settings).frontends)
        async with operated(plain) as rproxy, client(rproxy.server) as wire:
            teller = Teller(rproxy.server)
            await wire.send(GET)
            await until(lambda: gate.arrived == 1)
            assert told_of(rproxy, teller).accepted == 1
            rproxy.server.send(Reconfigure(logged))
            gate.open()
            await until(lambda: rproxy.server.frontends["web"].config.access_log is not None)
            assert (await wire.response())[1] == b"ok"
            await ask(rproxy.server)
            await until(lambda: not rproxy.server.departing.frontends)
            accepted, count = 0, 0
            while count < 2:
                web = told_of(rproxy, teller)
                accepted += web.accepted
                count += sum(one.count for one in web.ended)
                await trio.sleep(0.01)
            assert (accepted, count) == (1, 2)
