"""The doctor beside real backends: groups with members missing, sockets that are shared, members that hang."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from proxy.doctor.examine import examine
from proxy.serve.machine.sock_diag import listening_sockets
from tests.clients.support import descendants
from tests.doctor.support import config
from tests.processes import connect, free_port, start_backend, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.doctor.finding import Finding
    from tests.processes import Backend

pytestmark = pytest.mark.slow


def findings(address: str, members: int) -> dict[str, Finding]:
    """The worst by check; of a pool with this group, which is not asked for anything."""
    web = f'listen = "127.0.0.1:{free_port()}"\nlimits.connections = 100'
    app = f'backends = [{{ address = "{address}", members = {members} }}]'
    return dict(reversed(examine(config(web=web, app=app), asks=False).findings))


@pytest.fixture
def group() -> Iterator[list[Backend]]:
    """Three members of one port."""
    address = f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        members = [stack.enter_context(start_backend("hello", "--reuseport", listen=address)) for _ in range(3)]
        wait_until(lambda: sum(str(sock.address) == address for sock in listening_sockets()) == 3)
        yield members


def test_a_group_is_counted(group: list[Backend]) -> None:
    address = group[0].address
    assert "REUSEPORT groups" not in findings(address, 3)
    missing = findings(address, 4)["REUSEPORT groups"]
    assert missing.what.startswith("3 of 4 members listen")
    assert all(f"(pid {member.process.pid}, " in missing.what for member in group)
    assert "3 listening sockets on this port, where 2 declared" in findings(address, 2)["REUSEPORT groups"].what


def test_a_member_that_hangs_is_told_by_its_pid(group: list[Backend]) -> None:
    stuck = group[1].process.pid
    os.kill(stuck, signal.SIGSTOP)
    try:
        with ExitStack() as stack:
            for _ in range(30):  # ten for each member; that all avoid one of three has a chance of 5 in a million
                stack.enter_context(connect(group[0].address))
            found = findings(group[0].address, 3)["accept queues"]
    finally:
        os.kill(stuck, signal.SIGCONT)
    assert found.level == "problem"
    assert f"(pid {stuck}, " in found.what


def test_a_socket_made_before_the_fork_is_no_group() -> None:
    with start_backend("prefork", "--workers", "3") as backend:
        wait_until(lambda: len(descendants(backend.process.pid)) == 3)
        found = findings(backend.address, 3)["REUSEPORT groups"]
    assert found.what.startswith("no fan-out: 4 processes share 1 listening socket")
