"""All checks at once, on this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from proxy.core.config import parse_config
from proxy.doctor.examine import CHECKS, Examination, examine, still_waiting
from proxy.doctor.finding import Finding, Level
from proxy.doctor.machine import Machine
from tests.clients.support import program
from tests.doctor.support import config, listening
from tests.processes import free_port, start_process, wait_listening

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.slow
def test_limits_are_those_of_the_rproxy_that_runs(tmp_path: Path) -> None:
    web = f"127.0.0.1:{free_port()}"
    text = f'[frontends.web]\nlisten = "{web}"\nrespond = 200\n'
    path = tmp_path / "lb.toml"
    path.write_text(text)
    args = (
        program("prlimit", "util-linux"),
        "--nofile=4321:4321",
        sys.executable,
        "-m",
        "proxy",
        "--config",
        str(path),
    )
    with start_process(args) as process:
        wait_listening(web, process=process)
        assert examine(parse_config(text, "lb.toml")).machine.open_files == 4321
    assert examine(parse_config(text, "lb.toml")).machine.open_files != 4321


def test_names_of_checks_are_their_files() -> None:
    for name, check in CHECKS.items():
        assert name
        assert check.__module__.startswith("proxy.doctor.checks.")
