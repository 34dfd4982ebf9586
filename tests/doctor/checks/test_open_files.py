"""Two descriptors for a client."""

from __future__ import annotations

import resource

from proxy.doctor.checks.open_files import check
from proxy.doctor.examine import NOTHING
from proxy.doctor.machine import Machine
from tests.doctor.support import config, only


def test_a_limit_below_what_the_clients_need() -> None:
    finding = only(check, config(), Machine(open_files=4096))
    assert "20100" in finding.what
    assert "4096" in finding.what
    assert any("LimitNOFILE=20100" in line for line in finding.fix)


def test_limits_that_are_enough() -> None:
    for enough in (20_100, resource.RLIM_INFINITY):
        assert not list(check(config(), Machine(open_files=enough, sysctls={"fs.nr_open": "1048576"})))
    few = config(web='listen = "127.0.0.1:1"\nlimits.connections = 100')
    assert not list(check(few, Machine(open_files=1024)))
    assert not list(check(NOTHING, Machine(open_files=10)))


def test_workers_share_the_clients() -> None:
    assert not list(check(config("workers = 4"), Machine(open_files=5100)))
    assert "2500 clients of a process" in only(check, config("workers = 4"), Machine(open_files=5099)).what


def test_limits_of_the_kernel() -> None:
    finding = only(check, config(), Machine(sysctls={"fs.nr_open": "10000"}))
    assert "sysctl -w fs.nr_open=20100" in finding.fix
