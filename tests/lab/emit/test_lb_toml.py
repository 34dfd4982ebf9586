"""The lb.toml of an application: rproxy's own check takes it, and reads what was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from proxy.core.config import parse_config
from proxy.lab.application import SAMPLE, parse_application
from proxy.lab.emit.lb_toml import Balance, Front, lb_toml

if TYPE_CHECKING:
    from proxy.core.config import Pool


def pool_of(text: str) -> Pool:
    config = parse_config(text, "lb.toml")
    assert [str(address) for address in config.frontends["web"].listen] == ["127.0.0.1:8080"]
    return config.pools["app"]


@pytest.mark.parametrize("front", get_args(Front))
@pytest.mark.parametrize("balance", get_args(Balance))
def test_it_is_good(front: Front, balance: Balance) -> None:
    pool = pool_of(lb_toml(SAMPLE, front, balance, 3))
    assert pool.balance == balance
    assert sum(backend.members for backend in pool.backends) == 3


def test_each_process_has_its_port() -> None:
    first, second = pool_of(lb_toml(SAMPLE, "proxy-tcp", "round-robin", 2, first_port=7000)).backends
    assert (str(first.address), str(second.address)) == ("127.0.0.1:7000", "127.0.0.1:7001")
    assert second.command is not None
    assert "127.0.0.1:7001" in second.command


def test_words_that_toml_and_shells_have_a_use_for_come_through() -> None:
    application = parse_application(["serve --name 'a \"b\" \\ #c' --uds {socket}"])
    (backend,) = pool_of(lb_toml(application, "proxy-unix", "round-robin", 1, directory="/srv")).backends
    assert backend.command == ("serve", "--name", 'a "b" \\ #c', "--uds", "/srv/app-1.sock")


def test_a_group_has_one_command_in_which_rproxy_numbers_the_members() -> None:
    (backend,) = pool_of(lb_toml(SAMPLE, "proxy-reuseport", "round-robin", 4)).backends
    assert backend.members == 4
    assert backend.command is not None
    assert "worker-{member}" in backend.command
