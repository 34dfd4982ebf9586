"""What the controller does with another configuration: whom it tells what, and when it changes nothing."""

from __future__ import annotations

import errno
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import parse_address
from proxy.core.config import AccessLog, Backend, HealthCheck, LogFile, PoolTls, load_config
from proxy.serve.listeners import Bound, ListenError
from proxy.serve.orders import BackendState, Failed
from proxy.serve.reload import reloading
from proxy.serve.reload.rehearsal import Refused
from tests.serve.reload.support import FIRST, SECOND, THIRD, NoSockets, Plane, config, make
from tests.tls import write_certificate

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.config import Config
    from proxy.core.reload.listening import ListenChange

TEXT = """
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"

[pools.app]
backends = [{}]
"""


def states(plane: Plane) -> dict[str, BackendState]:
    """As told with the last configuration."""
    return {state.backend: state for state in plane.reconfigured[-1].states}


# ---------------------------------------------------------------------- who is told what


async def test_every_plane_is_told_the_configuration_with_what_is_decided_of_each_backend() -> None:
    planes = [Plane(), Plane()]
    controller = make(config(FIRST, SECOND), *planes)
    first = controller.pools["app"][FIRST]
    controller.set_mode(first, "draining")
    managed = Backend(address=parse_address(THIRD), command=("app",))
    new = config(FIRST, managed)
    await controller.apply(new)
    for plane in planes:
        assert [order.config for order in plane.reconfigured] == [new]
        told = states(plane)
        assert told.keys() == {FIRST, THIRD}
        assert told[FIRST].is_draining
        assert not told[THIRD].is_healthy  # its process has not been started yet
    assert controller.pools["app"][FIRST] is first
    assert controller.generation == 2


async def test_health_that_is_known_outlives_a_reload() -> None:
    plane = Plane()
    controller = make(config(FIRST, SECOND, when_all_down="refuse"), plane)
    controller.set_healthy(controller.pools["app"][FIRST], is_healthy=False, reason="connect-refused")
    check = HealthCheck(rise=5, fall=6)
    await controller.apply(config(SECOND, FIRST, THIRD, health_check=check, when_all_down="refuse"))
    assert [states(plane)[name].is_healthy for name in (FIRST, SECOND, THIRD)] == [False, True, True]
    first = controller.pools["app"][FIRST]
    assert (first.reason, first.health.rise, first.health.fall) == ("connect-refused", 5, 6)


async def test_weight_of_the_operator_lasts_until_the_file_says_another() -> None:
    plane = Plane()
    controller = make(config(FIRST, SECOND), plane)
    controller.set_weight(controller.pools["app"][FIRST], 7)
    await controller.apply(config(FIRST, SECOND, THIRD))
    assert states(plane)[FIRST].weight == 7
    await controller.apply(config(Backend(address=parse_address(FIRST), weight=3), SECOND))
    assert states(plane)[FIRST].weight == 3


async def test_nothing_is_told_when_nothing_changes() -> None:
    plane = Plane()
    controller = make(config(FIRST), plane)
    plan = await controller.apply(config(FIRST))
    assert not plan
    assert not plane.told
    assert controller.generation == 1


async def test_probes_of_a_pool_that_speaks_tls_now_do_so_too() -> None:
    controller = make(config("localhost:9001"))
    (backend,) = controller.backends()
    backend.target.resolved(backend.target.family, ("127.0.0.1", 9001))
    plain = backend.target
    await controller.apply(config("localhost:9001", tls=PoolTls(verify=False)))
    assert controller.pools["app"]["localhost:9001"] is backend
    assert backend.target is not plain
    assert backend.target.tls is not None
    assert backend.target.sockaddr == ("127.0.0.1", 9001)
    speaking = backend.target
    await controller.apply(config("localhost:9001", FIRST, tls=PoolTls(verify=False)))
    first = controller.pools["app"][FIRST].target.tls
    assert first is not None
    assert backend.target is speaking
    assert first.context is speaking.tls.context  # type: ignore[union-attr] # it has TLS


async def test_log_and_events_tell_what_changed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    controller = make(config(FIRST))
    await controller.apply(config(SECOND))
    texts = [f"reload: + pool app: backend {SECOND}", f"reload: - pool app: backend {FIRST}"]
    assert [event.text for event in controller.events] == texts
    assert [record.getMessage() for record in caplog.records] == texts


async def test_what_a_worker_could_not_do_is_told() -> None:
    controller = make(config(FIRST))
    controller.observed(Failed("cannot open /var/log/web.log"), 2)
    assert [event.level for event in controller.events] == ["error"]


async def test_reloads_come_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the first one waits for a name."""
    is_known, began = trio.Event(), trio.Event()

    async def resolve_all(backends: object) -> None:
        began.set()
        await is_known.wait()

    monkeypatch.setattr(reloading, "resolve_all", resolve_all)
    plane = Plane()
    controller = make(config(FIRST), plane)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(controller.apply, config(SECOND))
        await began.wait()
        nursery.start_soon(controller.apply, config(THIRD))
        is_known.set()
    assert [list(order.config.pools["app"].backends) for order in plane.reconfigured] == [
        list(config(SECOND).pools["app"].backends),
        list(config(THIRD).pools["app"].backends),
    ]


# ---------------------------------------------------------------------- the operator's backends


async def test_backends_are_added_and_removed_one_by_one() -> None:
    plane = Plane()
    controller = make(config(FIRST), plane)
    await controller.add_backend("app", Backend(address=parse_address(SECOND), weight=2))
    assert states(plane).keys() == {FIRST, SECOND}
    await controller.remove_backend("app", FIRST)
    assert states(plane).keys() == {SECOND}


async def test_changes_at_the_same_time_are_both_made() -> None:
    plane = Plane()
    controller = make(config(FIRST), plane)
    async with trio.open_nursery() as nursery:
        for address in (SECOND, THIRD):
            nursery.start_soon(controller.add_backend, "app", Backend(address=parse_address(address)))
    assert states(plane).keys() == {FIRST, SECOND, THIRD}


async def test_what_stops_while_a_reload_is_prepared_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    plane = Plane()
    controller = make(config(FIRST), plane)

    async def resolve_all(backends: object) -> None:
        controller.reloading.sockets = None

    monkeypatch.setattr(reloading, "resolve_all", resolve_all)
    with pytest.raises(Refused, match="rproxy is stopping"):
        await controller.apply(config(SECOND))
    assert not plane.told


@pytest.mark.parametrize(
    ("pool", "address", "why"),
    [
        ("app", FIRST, 'is in pool "app" twice'),
        ("nowhere", SECOND, 'there is no pool "nowhere"'),
        ("app", "127.0.0.1:8080", 'leads back to frontend "web"'),
        ("app", "127.0.0.1:0", "has port 0"),
    ],
)
async def test_backend_that_the_file_could_not_have_is_not_added(pool: str, address: str, why: str) -> None:
    plane = Plane()
    controller = make(config(FIRST), plane)
    with pytest.raises(Refused, match=why):
        await controller.add_backend(pool, Backend(address=parse_address(address)))
    assert not plane.told


@pytest.mark.parametrize(
    ("pool", "backend", "why"),
    [
        ("app", FIRST, 'pool "app" is empty'),
        ("app", SECOND, f'there is no backend "{SECOND}" in pool "app"'),
        ("nowhere", FIRST, 'there is no pool "nowhere"'),
    ],
)
async def test_what_is_not_there_and_the_last_one_are_not_removed(pool: str, backend: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        await make(config(FIRST)).remove_backend(pool, backend)


# ---------------------------------------------------------------------- what cannot be


class Taken(NoSockets):
    def open(self, change: ListenChange, config: Config) -> list[Bound]:
        error = OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        raise ListenError("web", parse_address("127.0.0.1:1"), error)


async def test_address_that_is_taken_changes_nothing() -> None:
    plane = Plane()
    controller = make(config(FIRST), plane)
    controller.reloading.sockets = Taken()
    with pytest.raises(Refused, match=r"cannot listen on 127\.0\.0\.1:1: Address already in use"):
        await controller.apply(config(SECOND))
    assert list(controller.pools["app"]) == [FIRST]
    assert controller.config == config(FIRST)
    assert not plane.told
    assert [event.level for event in controller.events] == ["error"]


async def test_nothing_changes_any_more_when_rproxy_stops() -> None:
    plane = Plane()
    controller = make(config(FIRST), plane)
    controller.reloading.sockets = None
    with pytest.raises(Refused, match="rproxy is stopping"):
        await controller.apply(config(SECOND))
    assert not plane.told


async def test_file_that_cannot_be_opened_changes_nothing() -> None:
    plane = Plane()
    controller = make(config(FIRST), plane)
    new = config(FIRST)
    web = replace(new.frontends["web"], access_log=AccessLog(to=LogFile("/nowhere/web.log")))
    with pytest.raises(Refused, match=r"cannot open /nowhere/web\.log"):
        await controller.apply(replace(new, frontends={"web": web}))
    assert not plane.told


# ---------------------------------------------------------------------- the file


async def test_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "lb.toml"
    path.write_text(TEXT.format(f'"{FIRST}", "{SECOND}"'))
    plane = Plane()
    controller = make(config(FIRST), plane)
    controller.config_file = str(path)
    reloaded = await controller.reload()
    assert reloaded.plan == [f"+ pool app: backend {SECOND}"]
    assert not reloaded.problems
    assert (await controller.reload()).plan == ["nothing changes"]
    assert len(plane.reconfigured) == 1


async def test_bad_file_changes_nothing_and_says_why(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "lb.toml"
    path.write_text(TEXT.format(f'"{FIRST}').replace("pool =", "pol ="))
    plane = Plane()
    controller = make(config(FIRST), plane)
    controller.config_file = str(path)
    reloaded = await controller.reload()
    assert not reloaded.plan
    assert [problem.severity for problem in reloaded.problems] == ["error"]
    assert "a quote is missing" in caplog.text
    assert "the configuration stays as it was" in caplog.text
    assert not plane.told
    path.unlink()
    assert "there is no such file" in (await controller.reload()).problems[0].message


SECURE = """
[frontends.secure]
listen = "127.0.0.1:8443"
respond = 200

[[frontends.secure.tls.certificates]]
certificate = "{certificate}"
key = "{key}"
"""


async def test_key_that_was_read_at_the_start_need_not_be_readable_now(tmp_path: Path) -> None:
    """With `user` it is not, as a rule."""
    path = tmp_path / "lb.toml"
    certificate, key = write_certificate(tmp_path, "a.test")
    secure = SECURE.format(certificate=certificate, key=key)
    path.write_text(TEXT.format(f'"{FIRST}"') + secure)
    plane = Plane()
    controller = make(load_config(path), plane)
    controller.config_file = str(path)
    os.unlink(key)
    path.write_text(TEXT.format(f'"{SECOND}"') + secure)
    assert (await controller.reload()).plan == [f"+ pool app: backend {SECOND}", f"- pool app: backend {FIRST}"]
    path.write_text(TEXT.format(f'"{SECOND}"') + secure + "\n[frontends.secure.limits]\nheaders = 7\n")
    assert (await controller.reload()).plan == ["~ frontend secure: limits.headers 100 -> 7"]
    path.write_text(TEXT.format(f'"{SECOND}"') + secure + "\n[frontends.secure.tls]\nminimum_version = '1.3'\n")
    assert "cannot be read" in (await controller.reload()).problems[0].message  # it would have to be read
    assert len(plane.reconfigured) == 2
