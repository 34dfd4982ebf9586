from __future__ import annotations

from proxy.core.address import parse_address
from proxy.core.config import Config, Frontend
from proxy.core.reload.listening import compare

A, B, ANY, UNIX = (parse_address(text) for text in ("127.0.0.1:80", "127.0.0.1:81", "127.0.0.1:0", "unix:/run/a"))


def config(**listen: tuple[object, ...]) -> Config:
    return Config(frontends={name: Frontend(name=name, listen=listen[name]) for name in listen})  # type: ignore[arg-type] # addresses


def test_what_stays_is_not_named() -> None:
    change = compare(config(web=(A, UNIX, ANY)), config(web=(ANY, A, UNIX)))
    assert (change.missing, change.gone, change.moved) == ((), (), {})


def test_addresses_that_come_and_go() -> None:
    change = compare(config(web=(A,), old=(UNIX,)), config(web=(B,), new=(ANY,)))
    assert set(change.missing) == {("web", B), ("new", ANY)}
    assert set(change.gone) == {("web", A), ("old", UNIX)}
    assert not change.moved


def test_address_that_another_frontend_takes_over_is_neither_closed_nor_bound() -> None:
    change = compare(config(web=(A, UNIX)), config(api=(A,), web=(UNIX,)))
    assert (change.missing, change.gone, change.moved) == ((), (), {("web", A): "api"})


def test_a_picked_port_is_another_one_in_each_place() -> None:
    change = compare(config(web=(ANY, ANY)), config(web=(ANY,), api=(ANY,)))
    assert change.gone == (("web", ANY),)
    assert change.missing == (("api", ANY),)
    assert not change.moved
    assert compare(config(web=(ANY,)), config(web=(ANY, ANY, ANY))).missing == (("web", ANY), ("web", ANY))
