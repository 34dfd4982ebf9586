"""The configuration file: one that rproxy takes, with what is asked for in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.core.config.load import load_config
from proxy.lab.application import SAMPLE
from proxy.lab.models.rproxy.backends import OnOnePort, OnSockets
from proxy.lab.models.rproxy.files import Files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("balance", ["least-connections", "round-robin"])
def test_rproxy_takes_it(tmp_path: Path, balance: str) -> None:
    files = Files(tmp_path, "127.0.0.1:9000", balance, OnSockets(SAMPLE, tmp_path))
    files.write(3)
    config = load_config(files.command[-1])
    pool = config.pools["app"]
    assert pool.balance == balance
    assert [str(backend.address) for backend in pool.backends] == [f"unix:{tmp_path}/{n}.sock" for n in (1, 2, 3)]
    assert config.workers == 1
    files.write_next_round()
    changed = load_config(files.command[-1]).pools["app"]
    assert [one.command for one in changed.backends] != [one.command for one in pool.backends]


def test_a_group_is_one_backend(tmp_path: Path) -> None:
    files = Files(tmp_path, "127.0.0.1:9000", "round-robin", OnOnePort(SAMPLE, 9001))
    files.write(4)
    (backend,) = load_config(files.command[-1]).pools["app"].backends
    assert backend.members == 4
