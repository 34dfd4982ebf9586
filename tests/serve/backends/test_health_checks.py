"""Who is probed and when, and what follows."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import trio
import trio.testing

from proxy.core.address import TcpAddress
from proxy.core.config import Ejection, HealthCheck, PoolTls
from proxy.serve.backends import health_checks
from tests.engine.support import hello
from tests.serve.backends.listening import answering, listening, silent
from tests.serve.backends.serving import controlled, serving, texts, until
from tests.tls import server_context, tls_backend, write_authority

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

QUICK = HealthCheck(interval=0.02, timeout=0.2, rise=2, fall=2)


async def nobody_there() -> TcpAddress:
    """Where nobody will listen while the socket, which the garbage collection closes, is bound."""
    with trio.socket.socket() as sock:
        await sock.bind(("127.0.0.1", 0))
        return TcpAddress("127.0.0.1", sock.getsockname()[1])


async def test_a_backend_leaves_and_comes_back_and_each_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    first = trio.socket.socket()
    await first.bind(("127.0.0.1", 0))
    first.listen()
    address = TcpAddress("127.0.0.1", first.getsockname()[1])
    async with listening(silent) as other, serving(address, other, health_check=QUICK) as one:
        backend = one.server.pools["app"].backends[0]
        first.close()
        await until(lambda: not backend.is_healthy)
        assert not backend.is_ready
        async with listening(silent, address.port):
            await until(lambda: backend.is_healthy)
    states = [record.getMessage() for record in caplog.records if str(address) in record.getMessage()]
    assert states == [f"app: backend {address} is unhealthy: connect-refused", f"app: backend {address} is healthy"]


async def test_without_checks_a_healthy_backend_is_not_probed() -> None:
    connects = 0

    async def counting(stream: trio.SocketStream) -> None:
        nonlocal connects
        connects += 1

    async with listening(counting) as address, serving(address):
        await trio.testing.wait_all_tasks_blocked(0.05)
    assert connects == 0


async def test_without_checks_a_connect_brings_back_whom_traffic_found_down() -> None:
    async with listening(silent) as address, listening(silent) as other, serving(address, other) as one:
        one.controller.set_healthy(controlled(one, address), is_healthy=False, reason="connect-refused")
        assert not one.server.pools["app"].backends[0].is_healthy
        await until(lambda: one.server.pools["app"].backends[0].is_healthy)
        assert texts(one)[-1] == f"app: backend {address} is healthy"


async def test_what_traffic_found_down_is_not_probed_at_leisure() -> None:
    check = HealthCheck(interval=3600.0, fast_interval=0.02, rise=2)
    async with (
        listening(silent) as address,
        listening(silent) as other,
        serving(address, other, health_check=check) as one,
    ):
        backend = controlled(one, address)
        await trio.testing.wait_all_tasks_blocked(0.02)
        one.controller.set_healthy(backend, is_healthy=False, reason="connect-timeout")
        await until(lambda: backend.health.is_healthy)


async def test_other_settings_are_followed_and_who_is_gone_is_left_alone() -> None:
    heard: list[bytes] = []
    others: list[bytes] = []
    async with (
        listening(answering(b"200 OK", heard=heard)) as address,
        listening(answering(b"200 OK", heard=others)) as other,
        serving(address, other, health_check=replace(QUICK, path="/old")) as one,
    ):
        await until(lambda: bool(heard))
        backend = controlled(one, address)
        backend.configure(replace(backend.pool, health_check=replace(QUICK, path="/new")), backend.settings)
        one.controller.bell.ring()
        await until(lambda: all(request.startswith(b"GET /new") for request in heard[-3:]))
        del one.controller.pools["app"][backend.name]
        count, count_of_others = len(heard), len(others)
        await until(lambda: len(others) > count_of_others + 10)
        assert len(heard) <= count + 1  # one may have been on its way


async def test_tls_of_the_check_alone(tmp_path: Path) -> None:
    tls = PoolTls(ca=write_authority(tmp_path))
    async with tls_backend(hello, server_context("127.0.0.1")) as good, listening(silent) as bad:
        check = replace(QUICK, tls=tls, timeout=1.0)
        async with serving(good.address, bad, health_check=replace(check, timeout=0.3)) as one:
            await until(lambda: controlled(one, bad).condition == "unhealthy")
            assert controlled(one, bad).reason == "no answer within 0.3 s"
            assert controlled(one, good.address).condition == "ready"


async def test_a_file_that_is_gone_is_a_reason_and_no_end(tmp_path: Path) -> None:
    tls = PoolTls(ca=f"{tmp_path}/none.pem")
    async with listening(silent) as address, serving(address, health_check=replace(QUICK, tls=tls)) as one:
        await until(lambda: controlled(one, address).condition == "unhealthy")
        assert "none.pem: No such file" in controlled(one, address).reason


async def test_an_ejection_ends_by_itself() -> None:
    ejection = Ejection(failures=1, first_time=0.05)
    async with (
        listening(silent) as address,
        listening(silent) as other,
        serving(address, other, ejection=ejection) as one,
    ):
        pool = one.server.pools["app"]
        pool.answer_failed(pool.backends[0], "503")
        assert controlled(one, address).condition == "ejected"
        assert not pool.backends[0].is_ready
        await until(lambda: pool.backends[0].is_ready)
        assert texts(one) == [
            f"app: backend {address} is ejected: 503, 1 in a row; for 0.05 s",
            f"app: backend {address} is back from its ejection",
        ]


async def test_all_are_tried_when_none_is_healthy() -> None:
    first, second = await nobody_there(), await nobody_there()
    async with serving(first, second, health_check=QUICK) as one:
        await until(lambda: controlled(one, first).is_tried)
        assert all(backend.is_ready for backend in one.server.pools["app"].backends)
        async with listening(silent, first.port):
            await until(lambda: controlled(one, first).condition == "ready")
            assert [backend.is_ready for backend in one.server.pools["app"].backends] == [True, False]
        assert texts(one)[2] == "app: no backend is healthy, all are tried (when_all_down)"


async def test_or_refused_if_that_is_wanted() -> None:
    address = await nobody_there()
    async with serving(address, health_check=QUICK, when_all_down="refuse") as one:
        await until(lambda: not one.server.pools["app"].backends[0].is_ready)
        assert texts(one)[1] == "app: no backend is healthy, its work is refused (when_all_down)"


async def test_who_comes_back_has_a_twentieth_of_its_share_and_then_all_of_it() -> None:
    def shares() -> list[int]:
        """Of 105 picks."""
        before = [backend.picked for backend in pool.backends]
        for _ in range(105):
            taken = pool.take()
            assert taken is not None
            pool.give_back(taken)
        return [backend.picked - count for backend, count in zip(pool.backends, before, strict=True)]

    async with (
        listening(silent) as address,
        listening(silent) as other,
        serving(address, other, balance="round-robin", slow_start=20.0) as one,
    ):
        pool, now = one.server.pools["app"], 0.0
        one.controller.clock = lambda: now
        one.controller.set_healthy(controlled(one, address), is_healthy=False, reason="connect-refused")
        assert shares() == [0, 105]
        one.controller.set_healthy(controlled(one, address), is_healthy=True)
        assert shares() == [5, 100]
        now = 10.0
        one.controller.bell.ring()
        await until(lambda: [backend.weight for backend in pool.backends] == [10, 20])
        assert shares() == [35, 70]
        now = 20.0
        one.controller.bell.ring()
        await until(lambda: [backend.weight for backend in pool.backends] == [1, 1])
        assert abs(shares()[0] - 52.5) < 1


async def test_a_defect_of_a_probe_is_a_reason_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(health_checks, "probe", broken)
    async with listening(silent) as address, serving(address, health_check=QUICK) as one:
        await until(lambda: controlled(one, address).condition == "unhealthy")
        assert controlled(one, address).reason == "ZeroDivisionError()"
    assert "a probe failed in a way that nobody thought of" in caplog.text
