from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.health.group import ABSENCES, PATIENCE, Flip, Group, MemberSocket, Process


def sockets(*inodes: int) -> list[MemberSocket]:
    return [MemberSocket(inode, (inode * 10,)) for inode in inodes]


def states(group: Group) -> list[tuple[int, int | None, str]]:
    return [(member.number, member.pid, member.state) for member in group.statistics()]


def look(group: Group, *inodes: int, times: int = ABSENCES) -> list[Flip]:
    return [flip for _ in range(times) for flip in group.looked(sockets(*inodes))]


def test_of_a_group_that_is_not_on_this_machine_nothing_is_told() -> None:
    group = Group(4)
    assert look(group) == []
    assert group.statistics() == ()


def test_members_keep_their_seats() -> None:
    group = Group(3)
    assert look(group, 1, 2, 3) == []
    assert states(group) == [(1, 10, "running"), (2, 20, "running"), (3, 30, "running")]
    look(group, 1, 3, 4)
    assert states(group) == [(1, 10, "running"), (2, 40, "running"), (3, 30, "running")]


def test_a_missing_member_is_told_of_once_with_its_last_pid() -> None:
    group = Group(2)
    look(group, 1, 2)
    assert look(group, 2, times=1) == []
    assert look(group, 2) == [Flip(False, "member 1 (pid 10) is missing: it does not listen")]
    assert states(group)[0] == (1, 10, "missing")
    assert look(group, 2) == []
    assert look(group, 2, 3) == [Flip(True, "member 1 (pid 30) is well again")]


def test_one_that_never_was_has_no_pid() -> None:
    assert look(Group(2), 1) == [Flip(False, "member 2 is missing: it does not listen")]


def test_a_stuck_member_is_told_of_when_it_failed_often_enough_in_a_row() -> None:
    group = Group(2, fall=2)
    look(group, 1, 2)
    assert group.probed({1}, {2: "3 wait"}) == []
    assert group.is_wavering
    assert group.probed({1}, {}) == []
    assert group.probed({1}, {2: "4 wait"}) == [Flip(False, "member 2 (pid 20) is stuck: 4 wait")]
    assert not group.is_wavering
    assert states(group)[1] == (2, 20, "stuck")
    assert group.probed({1}, {2: "5 wait"}) == []
    assert group.probed({2}, {1: "status 500"}) == [Flip(True, "member 2 (pid 20) is well again")]


def test_a_good_answer_outweighs_a_bad_one_of_the_same_round() -> None:
    group = Group(2, fall=1)
    look(group, 1, 2)
    assert group.probed({1, 2}, {1: "status 500"}) == []


def test_a_new_process_begins_with_a_clean_slate() -> None:
    group = Group(2, fall=2)
    look(group, 1, 2)
    group.probed(set(), {2: "x"})
    look(group, 1, times=1)
    look(group, 1, 3, times=1)
    assert group.probed(set(), {3: "x"}) == []


def test_more_than_expected_are_shown_while_they_are_there() -> None:
    group = Group(2)
    look(group, 1, 2, 3)
    assert [number for number, _, _ in states(group)] == [1, 2, 3]
    look(group, 3, 2)
    assert states(group) == [(1, 10, "missing"), (2, 20, "running"), (3, 30, "running")]
    look(group, 2, 4)
    assert states(group) == [(1, 40, "running"), (2, 20, "running")]


def test_a_reload_may_expect_more_or_less() -> None:
    group = Group(2)
    look(group, 1, 2)
    group.expect(3)
    assert look(group, 1, 2) == [Flip(False, "member 3 is missing: it does not listen")]
    group.expect(1)
    look(group, 2)
    assert [number for number, _, _ in states(group)] == [1, 2]
    look(group, 2, 3)
    assert states(group) == [(1, 30, "running"), (2, 20, "running")]


def test_processes_of_our_own_have_the_seats_of_their_numbers() -> None:
    group = Group(2)
    processes = [Process(1, 20, 1, "up"), Process(2, 10, 3, "up")]
    group.looked(sockets(1, 2), processes)
    assert states(group) == [(1, 20, "running"), (2, 10, "running")]
    assert [member.starts for member in group.statistics()] == [1, 3]
    dead = [Process(1, None, 1, "restarting"), processes[1]]
    assert [group.looked(sockets(1), dead) for _ in range(3)] == [[], [], []]
    assert states(group)[0] == (1, 20, "restarting")
    group.looked(sockets(1, 5), [Process(1, 50, 2, "up"), processes[1]])
    assert states(group)[0] == (1, 50, "running")


def test_a_process_that_runs_and_does_not_listen_is_missing_after_a_while() -> None:
    group = Group(2)
    processes = [Process(1, 10, 1, "up"), Process(2, 20, 1, "up")]
    told = [(now, flip) for now in range(1, 20) for flip in group.looked(sockets(1), processes, now)]
    assert told == [(1 + PATIENCE + ABSENCES, Flip(False, "member 2 (pid 20) is missing: it does not listen"))]


def test_a_single_process_at_a_unix_socket_has_no_socket_in_the_tables() -> None:
    group = Group(1)
    group.looked([], [Process(1, 7, 1, "up")])
    assert states(group) == [(1, 7, "running")]
    group.looked([], [Process(1, None, 1, "failing")])
    assert states(group) == [(1, 7, "failing")]


@given(st.integers(1, 4), st.lists(st.frozensets(st.integers(1, 8), max_size=6), max_size=12))
def test_every_socket_has_one_seat_and_no_change_is_told_twice(expected: int, looks: list[frozenset[int]]) -> None:
    group = Group(expected)
    bad: set[str] = set()
    for inodes in looks:
        flips = group.looked(sockets(*sorted(inodes)))
        assert sorted(socket.inode for socket in group.sockets) == sorted(inodes)
        for flip in flips:
            seat = flip.text.split(" (")[0].split(" is ")[0]
            assert (seat in bad) is flip.is_good
            bad ^= {seat}
