"""IPv6 off, and listeners for IPv6 only."""

from __future__ import annotations

from proxy.doctor.checks.ip_versions import DISABLED, check
from proxy.doctor.machine import Machine
from tests.doctor.support import config, only

WITH_IPV6 = Machine(sysctls={DISABLED: "0"})


def test_a_listener_for_ipv6_only() -> None:
    finding = only(check, config(web='listen = "[::]:8080"'), WITH_IPV6)
    assert finding.level == "warning"
    assert finding.fix == ('listen = ["0.0.0.0:8080", "[::]:8080"]',)
    assert not list(check(config(web='listen = ["0.0.0.0:8080", "[::]:8080"]'), WITH_IPV6))
    assert not list(check(config(web='listen = "[::1]:8080"'), WITH_IPV6))


def test_ipv6_is_off() -> None:
    for machine in (Machine(sysctls={DISABLED: "1"}), Machine()):
        for wanting in (config(web='listen = "[::1]:8080"'), config(app='backends = ["[::1]:9001"]')):
            finding = only(check, wanting, machine)
            assert finding.level == "problem"
            assert f"sysctl -w {DISABLED}=0" in finding.fix
        assert not list(check(config(), machine))
