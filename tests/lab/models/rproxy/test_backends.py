"""Tables of backends: commands that rproxy makes those of the application; another round is another command."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from proxy.core.address import parse_address
from proxy.core.restart import expand_command, placeholder_values
from proxy.lab.application import parse_application
from proxy.lab.models.rproxy.backends import OnOnePort, OnPorts, OnSockets

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.lab.models.rproxy.backends import Backends

APPLICATION = parse_application(
    ["serve {port} {worker}", """serve 'a "ü" \\ b' {socket} {worker}"""], reuseport=["serve -r {port} {worker}"]
)


def expanded(behind: Backends, count: int, round: int = 0) -> list[tuple[str, tuple[str, ...]]]:
    """Address and words of every process, as rproxy would start them."""
    found = []
    for text in behind.tables(count, round):
        (backend,) = tomllib.loads(text)["pools"]["app"]["backends"]
        for member in range(1, backend.get("members", 1) + 1):
            values = placeholder_values("app", parse_address(backend["address"]), member)
            found.append((backend["address"], expand_command(backend["command"], values)))
    return found


def test_each_has_a_port_that_it_keeps() -> None:
    behind = OnPorts(APPLICATION)
    first = expanded(behind, 2)
    assert expanded(behind, 3)[:2] == first
    for number, (address, words) in enumerate(first, 1):
        assert words[-3:] == ("serve", address.rpartition(":")[2], str(number))
        assert f"RPROXY_LAB_WORKER={number}" in words


def test_each_has_a_socket_in_the_directory(tmp_path: Path) -> None:
    (_, _), (address, words) = expanded(OnSockets(APPLICATION, tmp_path), 2)
    assert address == f"unix:{tmp_path}/2.sock"
    assert words[-4:] == ("serve", 'a "ü" \\ b', f"{tmp_path}/2.sock", "2")


def test_members_have_their_numbers_from_rproxy() -> None:
    one, two = expanded(OnOnePort(APPLICATION, 9), 2)
    assert one[0] == two[0] == "127.0.0.1:9"
    assert two[1][-4:] == ("serve", "-r", "9", "2")
    assert "RPROXY_LAB_WORKER=2" in two[1]


@pytest.mark.parametrize("behind", [OnPorts(APPLICATION), OnOnePort(APPLICATION, 9)])
def test_another_round_is_another_command(behind: Backends) -> None:
    assert [words for _, words in expanded(behind, 1, 0)] != [words for _, words in expanded(behind, 1, 1)]
