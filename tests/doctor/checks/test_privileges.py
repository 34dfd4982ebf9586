"""Who serves."""

from __future__ import annotations

from proxy.doctor.checks.privileges import check
from proxy.doctor.examine import NOTHING
from proxy.doctor.machine import Machine, User
from tests.doctor.support import NOBODY, config, only

ROOT = User(0, frozenset({0}), "root")
AS_NOBODY = config('user = "nobody"')


def test_root_that_stays_root() -> None:
    finding = only(check, config(), Machine(runs_as=ROOT))
    assert finding.level == "warning"
    assert not list(check(NOTHING, Machine(runs_as=ROOT)))


def test_a_user_that_cannot_become_another() -> None:
    assert "user id 1000" in only(check, AS_NOBODY, Machine(runs_as=NOBODY, uid=1000)).what
    assert not list(check(AS_NOBODY, Machine(runs_as=NOBODY, uid=0)))
    assert not list(check(AS_NOBODY, Machine(runs_as=NOBODY, uid=NOBODY.uid)))


def test_a_user_that_does_not_exist() -> None:
    assert only(check, AS_NOBODY, Machine(runs_as=None)).level == "problem"
