"""Who serves."""

from __future__ import annotations

from pathlib import Path

from proxy.doctor.checks.privileges import check
from proxy.doctor.examine import NOTHING
from proxy.doctor.machine import Machine, User
from tests.clients.support import short_directory
from tests.doctor.support import NOBODY, config, only

OTHER = User(54321, frozenset({54321}), "other")
ROOT = User(0, frozenset({0}), "root")
AS_NOBODY = config('user = "nobody"')


def test_root_that_stays_root() -> None:
    finding = only(check, config(), Machine(runs_as=ROOT))
    assert finding.level == "warning"
    assert not list(check(NOTHING, Machine(runs_as=ROOT)))


def test_a_user_that_cannot_become_another() -> None:
    assert "user id 1000" in only(check, AS_NOBODY, Machine(runs_as=NOBODY, uid=1000, python=Path())).what
    assert not list(check(AS_NOBODY, Machine(runs_as=NOBODY, uid=0, python=Path())))
    assert not list(check(AS_NOBODY, Machine(runs_as=NOBODY, uid=NOBODY.uid, python=Path())))


def test_a_user_that_does_not_exist() -> None:
    assert only(check, AS_NOBODY, Machine(runs_as=None)).level == "problem"


def test_a_python_that_the_user_cannot_read() -> None:
    with short_directory() as home:  # for its owner alone, as /root is
        (home / "lib").mkdir()
        library = home / "lib" / "os.py"
        library.touch()
        wanting = Machine(runs_as=OTHER, uid=0, python=library)
        assert str(home) in only(check, AS_NOBODY, wanting).what
        home.chmod(0o755)
        assert not list(check(AS_NOBODY, wanting))
        library.chmod(0o600)
        assert str(library) in only(check, AS_NOBODY, wanting).what
