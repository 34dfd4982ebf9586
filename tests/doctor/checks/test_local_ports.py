"""Ports for outgoing connections, ports that they may take from listeners, and ports that only root may bind."""

from __future__ import annotations

from proxy.doctor.checks.local_ports import RANGE, RESERVED, UNPRIVILEGED, check
from proxy.doctor.machine import Machine
from tests.doctor.support import config, only

SMALL = Machine(sysctls={RANGE: "32768\t36767"})


def test_more_clients_than_ports() -> None:
    finding = only(check, config(), SMALL)
    assert "4000 local ports" in finding.what
    assert f"sysctl -w {RANGE}='1024 65535'" in finding.fix


def test_enough_ports() -> None:
    three = 'backends = ["127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003"]'
    assert not list(check(config(app=three), SMALL))
    assert not list(check(config(app='backends = ["127.0.0.1:9001", "unix:/run/a"]'), SMALL))
    assert not list(check(config(app='backends = [{ address = "127.0.0.1:9001", max_connections = 100 }]'), SMALL))


def test_a_listener_in_the_range() -> None:
    few = config(web='listen = "127.0.0.1:8080"\nlimits.connections = 100', app='backends = ["127.0.0.1:33000"]')
    finding = only(check, few, SMALL)
    assert finding.level == "note"
    assert "33000" in finding.what
    assert f"sysctl -w {RESERVED}=33000" in finding.fix
    for reserved in ("33000", "9999,32990-33010"):
        assert not list(check(few, Machine(sysctls={**SMALL.sysctls, RESERVED: reserved})))


def test_what_is_reserved_stays_reserved() -> None:
    few = config(web='listen = "127.0.0.1:8080"\nlimits.connections = 100', app='backends = ["127.0.0.1:33000"]')
    finding = only(check, few, Machine(sysctls={**SMALL.sysctls, RESERVED: "40000-40001"}))
    assert f"sysctl -w {RESERVED}=33000,40000,40001" in finding.fix


def test_other_machines_ports_are_their_own() -> None:
    few = config(web='listen = "127.0.0.1:8080"\nlimits.connections = 100', app='backends = ["192.0.2.1:33000"]')
    assert not list(check(few, SMALL))


def test_a_low_port_for_a_user() -> None:
    low = config(web='listen = "127.0.0.1:80"')
    machine = Machine(sysctls={UNPRIVILEGED: "1024"}, binds_low_ports=False, uid=1000)
    finding = only(check, low, machine)
    assert finding.level == "problem"
    assert f"sysctl -w {UNPRIVILEGED}=80" in finding.fix
    assert not list(check(config(), machine))
    assert not list(check(low, Machine(sysctls={UNPRIVILEGED: "1024"})))
