"""Backends that close sooner than we expect."""

from __future__ import annotations

import pytest

from proxy.doctor.checks.idle_connections import check
from proxy.doctor.machine import Machine
from proxy.doctor.probe import Probe
from tests.doctor.support import config, only


def machine(probe: Probe) -> Machine:
    return Machine(probes={"127.0.0.1:9001": probe})


def test_uvicorn_closes_after_five_seconds() -> None:
    finding = only(check, config(), machine(Probe(answered=True, closed_after=5.0)))
    assert finding.level == "warning"
    assert "after 5.0 s" in finding.what
    assert "30 s" in finding.what
    assert any(line.startswith('idle = "4.4s"') for line in finding.fix)
    assert any("--timeout-keep-alive 35" in line for line in finding.fix)


def test_no_connection_is_kept() -> None:
    assert only(check, config(), machine(Probe(answered=True, closed_after=0.0))).level == "note"


@pytest.mark.parametrize(
    "probe",
    [Probe(answered=True), Probe(answered=True, told=5.0, closed_after=5.0), Probe(111), Probe(closed_after=0.0)],
    ids=["keeps it", "says so", "is down", "never answers"],
)
def test_nothing_to_say(probe: Probe) -> None:
    assert not list(check(config(), machine(probe)))


def test_we_keep_none_or_less_long() -> None:
    early = machine(Probe(answered=True, closed_after=5.0))
    assert not list(check(config(app='backends = ["127.0.0.1:9001"]\nidle_connections = 0'), early))
    assert not list(check(config(app='backends = ["127.0.0.1:9001"]\ntimeouts.idle = "4s"'), early))
