"""Members of groups: missing, too many, strangers, and groups that are none."""

from __future__ import annotations

from proxy.doctor.checks.reuseport_groups import check
from proxy.doctor.machine import Machine
from tests.doctor.support import config, listening, only, process

GROUP = config(app='backends = [{ address = "127.0.0.1:9001", members = 4 }]')
MEMBERS = [process(pid, "python", "app.py", "--member", str(pid)) for pid in range(11, 16)]


def machine(*owners: tuple[int, ...]) -> Machine:
    """A listening socket for each, held by these of MEMBERS."""
    return Machine(listening=tuple(listening("127.0.0.1:9001", *(MEMBERS[i] for i in those)) for those in owners))


def test_a_whole_group() -> None:
    assert not list(check(GROUP, machine((0,), (1,), (2,), (3,))))
    assert not list(check(config(), machine((0,))))


def test_sockets_that_a_manager_holds_too() -> None:
    assert not list(check(GROUP, machine((0, 4), (1, 4), (2, 4), (3, 4))))


def test_members_are_missing() -> None:
    finding = only(check, GROUP, machine((0,), (1,)))
    assert finding.level == "problem"
    assert finding.what.startswith("2 of 4 members listen: python (pid 11")
    assert any("members = 2" in line for line in finding.fix)


def test_processes_that_share_one_socket_are_no_group() -> None:
    finding = only(check, GROUP, machine((0, 1, 2, 3)))
    assert finding.what == "no fan-out: 4 processes share 1 listening socket, where 4 were declared"


def test_more_members_than_declared() -> None:
    finding = only(check, GROUP, machine((0,), (1,), (2,), (3,), (4,)))
    assert "5 listening sockets" in finding.what
    assert "and 1 more" in finding.what
    finding = only(check, config(), machine((0,), (1,)))
    assert any("members = 2" in line for line in finding.fix)


def test_a_stranger_in_the_group() -> None:
    found = (*(machine((0,), (1,), (2,)).listening or ()), listening("127.0.0.1:9001", process(66, "nc", "-l", "9001")))
    finding = only(check, GROUP, Machine(listening=found))
    assert "different programs share this port" in finding.what
    assert "nc -l 9001" in finding.fix[0]


def test_another_user_in_the_group() -> None:
    found = (*(machine((0,), (1,), (2,)).listening or ()), listening("127.0.0.1:9001", MEMBERS[3], uid=0))
    assert "different users" in only(check, GROUP, Machine(listening=found)).what


def test_who_is_not_seen_is_not_judged() -> None:
    assert not list(check(GROUP, Machine(listening=None)))
    assert not list(check(GROUP, Machine(listening=(listening("127.0.0.1:9002", MEMBERS[0]),))))
