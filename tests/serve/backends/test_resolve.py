"""Names of backends become addresses, again and again."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import trio
import trio.testing

from proxy.core.address import parse_address
from proxy.core.config import Backend, Config, Pool
from proxy.serve.backends import resolve
from proxy.serve.control.controller import Controller

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from proxy.engine.backend import LiveBackend

Found = list[tuple[Any, ...]]


def found(*hosts: str, port: int = 80) -> Found:
    return [
        (socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts
    ]


def controller(address: str) -> Controller:
    pool = Pool(name="app", backends=(Backend(address=parse_address(address)),))
    return Controller(Config(frontends={}, pools={"app": pool}))


async def resolved(monkeypatch: pytest.MonkeyPatch, look_up: Callable[[], Found]) -> LiveBackend:
    async def getaddrinfo(*args: object, **kwargs: object) -> Found:
        return look_up()

    monkeypatch.setattr(trio.socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(resolve, "RETRY", 0.01)
    control = controller("app.example:80")
    backend = control.pools["app"]["app.example:80"].target
    assert backend.sockaddr is None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(resolve.keep_resolving, control)
        with trio.fail_after(5):
            while backend.sockaddr is None:  # noqa: ASYNC110 - a state in memory has no event
                await trio.sleep(0.002)
        nursery.cancel_scope.cancel()
    return backend


async def test_a_name_unknown_at_first_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Found | None] = [None, None, found("127.0.0.1")]

    def look_up() -> Found:
        answer = answers.pop(0)
        if answer is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return answer

    backend = await resolved(monkeypatch, look_up)
    assert (backend.family, backend.sockaddr) == (socket.AF_INET, ("127.0.0.1", 80))
    assert len([record for record in caplog.records if "cannot be resolved" in record.getMessage()]) == 1


async def test_of_several_addresses_the_first_that_answers_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        backend = await resolved(monkeypatch, lambda: found("127.0.0.2", "127.0.0.1", port=port))
    assert backend.sockaddr == ("127.0.0.1", port)


async def test_when_none_answers_the_first_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = await resolved(monkeypatch, lambda: found("127.0.0.2", "127.0.0.1", port=1))
    assert backend.sockaddr == ("127.0.0.2", 1)


async def test_numeric_addresses_are_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(trio.socket, "getaddrinfo")
    control = controller("127.0.0.1:80")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(resolve.keep_resolving, control)
        await resolve.resolve_all(control.backends())
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


async def test_new_backends_are_known_before_anybody_is_told_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*args: object, **kwargs: object) -> Found:
        return found("127.0.0.2")

    monkeypatch.setattr(trio.socket, "getaddrinfo", getaddrinfo)
    control = controller("app.example:80")
    await resolve.resolve_all(control.backends())
    (backend,) = control.backends()
    assert backend.target.sockaddr == ("127.0.0.2", 80)


async def test_a_new_backend_that_cannot_be_resolved_is_left_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*args: object, **kwargs: object) -> Found:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(trio.socket, "getaddrinfo", getaddrinfo)
    control = controller("app.example:80")
    await resolve.resolve_all(control.backends())
    (backend,) = control.backends()
    assert backend.target.sockaddr is None
