"""Any configuration after any other, while clients ask on: no request fails, and nothing is left of what is gone."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import UnixAddress
from proxy.core.config import (
    AccessLog,
    Backend,
    Config,
    Frontend,
    FrontendLimits,
    FrontendTimeouts,
    LogFile,
    Pool,
    PoolTimeouts,
    Route,
    Shutdown,
)
from proxy.serve.one_process import OneProcess, run
from tests.engine.support import GET, LOCALHOST, all_over, backend, dial, hello, status

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.address import Address
    from tests.conftest import Figures


class Choices:
    """Makes configurations, each by chance. All of them answer every request with 200."""

    def __init__(self, rng: Random, apps: list[Address], directory: Path) -> None:
        self._rng = rng
        self._apps = apps
        self._directory = directory

    def config(self) -> Config:
        pick = self._rng.choice
        pools = {name: self._pool(name) for name in ("a", "b", "c") if name == "a" or pick((True, False))}
        frontends = {"web": self._frontend("web", list(pools))}
        if pick((True, False)):
            frontends["more"] = replace(self._frontend("more", list(pools)), listen=(self._path("more"),))
        return Config(frontends=frontends, pools=pools, shutdown=Shutdown(drain=pick((0.2, 30.0))))

    def _path(self, name: str) -> UnixAddress:
        return UnixAddress(str(self._directory / f"{name}.sock"))

    def _pool(self, name: str) -> Pool:
        pick, rng = self._rng.choice, self._rng
        apps = rng.sample(self._apps, rng.randint(1, len(self._apps)))
        backends = tuple(
            Backend(address=app, weight=pick((1, 4)), max_connections=pick((0, 0, 2)), members=1) for app in apps
        )
        return Pool(
            name=name,
            backends=backends,
            balance=pick(("round-robin", "least-connections", "random", "two-choices")),
            retry_on=pick((("closed",), ("closed", "503"))),
            proxy_protocol=None,
            idle_connections=pick((0, 4, 1024)),
            timeouts=PoolTimeouts(connect=pick((2.0, 3.0))),
        )

    def _frontend(self, name: str, pools: list[str]) -> Frontend:
        pick = self._rng.choice
        return Frontend(
            name=name,
            listen=(LOCALHOST,),
            pool=pick(pools),
            routes=tuple(Route(path=f"/{pool}", pool=pool) for pool in pools if pick((True, False))),
            limits=FrontendLimits(requests_per_connection=pick((0, 7, 1000))),
            timeouts=FrontendTimeouts(keep_alive=pick((30.0, 60.0)), exchange=pick((None, 20.0))),
            forwarded=pick(("x-forwarded", "rfc7239")),
            access_log=pick((None, AccessLog(to=LogFile(str(self._directory / "log"))))),
            set_response_headers=pick(({}, {"X-A": "b"})),
        )


class Asking:
    """A client that asks again and again, over one connection for as long as it is not told that it ends."""

    def __init__(self, one: OneProcess, path: bytes) -> None:
        self.answers = 0
        self.is_over = False
        self._one = one
        self._request = GET.replace(b"/", b"/" + path, 1)

    async def run(self) -> None:
        while not self.is_over:
            wire = await dial(self._one.listeners.addresses["web"][0])
            is_open = True
            while is_open and not self.is_over:
                await wire.send(self._request)
                head, _ = await wire.response()
                assert status(head) == 200, head
                self.answers += 1
                is_open = b"Connection: close" not in head
            wire.close()


async def reload_at_will(seed: int, reloads: int, directory: Path) -> int:
    """How many requests were answered meanwhile."""
    async with AsyncExitStack() as stack:
        apps = [(await stack.enter_async_context(backend(hello))).address for _ in range(3)]
        apps.append((await stack.enter_async_context(backend(hello, str(directory / "app.sock")))).address)
        choices = Choices(Random(seed), apps, directory)
        async with trio.open_nursery() as nursery:
            one: OneProcess = await nursery.start(run, choices.config())
            clients = [Asking(one, path) for path in (b"a", b"b", b"c", b"", b"a/x", b"b/x")]
            async with trio.open_nursery() as asking:
                for client in clients:
                    asking.start_soon(client.run)
                for _ in range(reloads):
                    new = choices.config()
                    await one.controller.apply(new)
                    assert one.server.config == new
                    for client in clients:
                        await answered(client, 2)
                for client in clients:
                    client.is_over = True
            with trio.fail_after(20):
                await all_over(one.server)
                while one.server.departing.frontends or one.server.departing.pools:  # noqa: ASYNC110 - no event
                    await trio.sleep(0.05)
            assert len(one.server.logs) == sum(f.access_log is not None for f in new.frontends.values())
            assert not any(pool.leaving or pool.drains for pool in one.server.pools.values())
            assert len(one.server.reactor) == len(one.listeners.bound) + sum(
                len(live.idle) for pool in one.server.pools.values() for live in pool.backends
            )
            assert one.server.reactor.crashes == 0
            nursery.cancel_scope.cancel()
    return sum(client.answers for client in clients)


async def answered(client: Asking, more: int) -> None:
    seen = client.answers
    with trio.fail_after(20):
        while client.answers < seen + more:  # noqa: ASYNC110 - a client's task of its own
            await trio.sleep(0.001)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
async def test_no_request_fails_whatever_is_changed(seed: int, tmp_path: Path, figures: Figures) -> None:
    answers = await reload_at_will(seed, 25, tmp_path)
    figures(f"reload: seed {seed}, 25 configurations at random, {answers} requests, none failed")


@pytest.mark.soak
async def test_no_request_fails_whatever_is_changed_for_long(tmp_path: Path, figures: Figures) -> None:
    answers = []
    for seed in range(100, 120):
        directory = tmp_path / str(seed)
        directory.mkdir()
        answers.append(await reload_at_will(seed, 200, directory))
    figures(f"reload: 4,000 configurations at random, {sum(answers)} requests, none failed")
