"""Commands that can be pasted into a shell."""

from __future__ import annotations

import shlex

from proxy.doctor.finding import sysctl_fix


def test_a_sysctl_now_and_after_the_next_boot() -> None:
    now, later = sysctl_fix("net.ipv4.ip_local_port_range", "1024 65535")
    assert shlex.split(now) == ["sysctl", "-w", "net.ipv4.ip_local_port_range=1024 65535"]
    assert "/etc/sysctl.d/" in later
    assert sysctl_fix("net.core.somaxconn", 4096)[0] == "sysctl -w net.core.somaxconn=4096"
