"""All checks at once, on this machine."""

from __future__ import annotations

from proxy.doctor.examine import CHECKS, Examination, examine, still_waiting
from proxy.doctor.finding import Finding, Level
from proxy.doctor.machine import Machine
from tests.doctor.support import config, listening
from tests.processes import free_port


def finding(level: Level) -> tuple[str, Finding]:
    return "port owners", Finding(level=level, where="here", what="so", why="Because.", fix=("# do",))


def test_of_the_machine_alone_nothing_is_a_problem() -> None:
    found = examine(None)
    assert found.status < 2
    assert found.machine.sysctls["net.core.somaxconn"].isdigit()


def test_a_backend_that_is_down_is_found_and_the_worst_comes_first() -> None:
    found = examine(config(web=f'listen = "127.0.0.1:{free_port()}"', app=f'backends = ["127.0.0.1:{free_port()}"]'))
    assert found.status == 2
    assert found.findings[0][0] == "unreachable backends"


def test_the_worst_counts() -> None:
    levels: list[tuple[list[Level], int]] = [
        ([], 0), (["note"], 0), (["note", "warning"], 1), (["warning", "problem", "note"], 2)
    ]  # fmt: skip
    for given, status in levels:
        assert Examination(Machine(), tuple(map(finding, given))).status == status


def test_stuck_is_who_waited_at_both_looks() -> None:
    busy, quiet = listening("127.0.0.1:1", waiting=1), listening("127.0.0.1:1")
    for before, after, stuck in ((busy, busy, True), (busy, quiet, False), (quiet, busy, False)):
        (found,) = still_waiting((before,), (after,)) or ()
        assert found.is_stuck is stuck
    assert still_waiting(None, None) is None


def test_names_of_checks_are_their_files() -> None:
    for name, check in CHECKS.items():
        assert name
        assert check.__module__.startswith("proxy.doctor.checks.")
