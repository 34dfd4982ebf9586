"""Workers against CPUs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.core.config import AUTO
from proxy.doctor.checks.processors import check
from proxy.doctor.examine import NOTHING
from proxy.doctor.machine import Machine
from tests.doctor.support import config, only


def test_more_workers_than_processors() -> None:
    finding = only(check, replace(config(), workers=4), Machine(cpus=2))
    assert finding.level == "warning"
    assert finding.what == "4 workers on 2 CPUs"
    assert finding.fix == ("workers = 2",)


@pytest.mark.parametrize("cpus", [0.2, 1.5, 8])
def test_one_worker_per_processor_is_never_too_many(cpus: float) -> None:
    assert not list(check(replace(config(), workers=AUTO), Machine(cpus=cpus)))


def test_a_quota_of_half_a_processor_more_is_worth_a_worker() -> None:
    assert not list(check(replace(config(), workers=2), Machine(cpus=1.5)))


def test_one_worker_on_many() -> None:
    assert only(check, config(), Machine(cpus=8)).level == "note"
    assert not list(check(config(), Machine(cpus=2)))
    assert not list(check(NOTHING, Machine(cpus=8)))
    assert not list(check(config(), Machine()))
