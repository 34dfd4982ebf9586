"""tcp_migrate_req matters where a SO_REUSEPORT group is."""

from __future__ import annotations

from proxy.doctor.checks.lost_queues import NAME, check
from proxy.doctor.examine import NOTHING
from proxy.doctor.machine import Machine
from tests.doctor.support import config, only

GROUP = 'backends = [{ address = "127.0.0.1:9001", members = 4 }]'


def test_a_group_without_migration() -> None:
    finding = only(check, config(app=GROUP), Machine(sysctls={NAME: "0"}))
    assert finding.level == "warning"
    assert "127.0.0.1:9001" in finding.where
    assert f"sysctl -w {NAME}=1" in finding.fix


def test_a_port_that_we_share_is_a_group_too() -> None:
    shared = config(web='listen = "127.0.0.1:8080"\nsocket.reuse_port = true')
    assert only(check, shared, Machine(sysctls={NAME: "0"})).where == "frontend web"


def test_a_kernel_that_cannot() -> None:
    finding = only(check, config(app=GROUP), Machine(kernel="5.10.0"))
    assert "5.10.0" in finding.what
    assert "5.14" in finding.what


def test_nothing_to_say_with_migration_or_without_a_group() -> None:
    assert not list(check(config(app=GROUP), Machine(sysctls={NAME: "1"})))
    assert not list(check(config(), Machine(sysctls={NAME: "0"})))


def test_of_a_machine_alone_it_is_a_note() -> None:
    assert only(check, NOTHING, Machine(sysctls={NAME: "0"})).level == "note"
