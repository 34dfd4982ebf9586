"""What all clients may take against what there is."""

from __future__ import annotations

from dataclasses import replace

from proxy.doctor.checks.memory import BASE, MIB, SEEN, check
from proxy.doctor.machine import Machine
from tests.doctor.support import config, only


def test_more_clients_than_memory() -> None:
    finding = only(check, config(), Machine(memory=512 * MIB))
    assert "10000 clients" in finding.what
    assert "512 are free" in finding.what
    room = int(finding.fix[0].split()[2])
    assert BASE + room * SEEN <= 512 * MIB


def test_each_worker_is_a_process_more() -> None:
    assert not list(check(config(), Machine(memory=1024 * MIB)))
    assert "10000 clients" in only(check, replace(config(), workers=8), Machine(memory=1024 * MIB)).what


def test_memory_enough() -> None:
    assert not list(check(config(), Machine(memory=2048 * MIB)))
    assert not list(check(config(), Machine()))
