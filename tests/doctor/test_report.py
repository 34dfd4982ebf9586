"""What people read, and what programs read."""

from __future__ import annotations

import json

from proxy.doctor.examine import CHECKS, Examination
from proxy.doctor.finding import Finding
from proxy.doctor.machine import Machine
from proxy.doctor.report import as_json, as_text

SMALL = Finding(
    level="warning", where="frontend web", what="a queue is small", why="It fills. " * 20,
    fix=("sysctl -w a=1", "# or less")
)  # fmt: skip
FOUND = Examination(Machine(), (("accept queues", SMALL),))


def test_text() -> None:
    text = as_text(FOUND)
    head, *rest = text.splitlines()
    assert head == "warning: frontend web: a queue is small"
    assert "    sysctl -w a=1" in rest
    assert f"{len(CHECKS)} checks: 1 warning; fine: port owners" in text
    assert "accept queues" not in text
    assert max(map(len, rest)) <= 100
    assert text.endswith("\n")


def test_nothing_found() -> None:
    assert as_text(Examination(Machine(), ())) == f"{len(CHECKS)} checks: nothing found\n"


def test_a_kernel_that_does_not_tell() -> None:
    assert "does not tell who listens" in as_text(Examination(Machine(listening=None), ()))


def test_json() -> None:
    data = json.loads(as_json(FOUND))
    assert data["status"] == 1
    assert data["checks"] == list(CHECKS)
    assert data["findings"][0]["check"] == "accept queues"
    assert data["findings"][0]["fix"] == ["sysctl -w a=1", "# or less"]
    assert set(data["findings"][0]) == {"check", "level", "where", "what", "why", "fix"}
