from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.errors import ConnectFailed, NoRoom
from proxy.engine.backend import CONNECTIONS_PER_MEMBER, LiveBackend, connect_failed

if TYPE_CHECKING:
    from pathlib import Path


class Connection:
    def __init__(self, name: int) -> None:
        self.name = name
        self.idle_since = 0.0
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def live(address: TcpAddress | UnixAddress | None = None, **options: int) -> LiveBackend:
    return LiveBackend(address or TcpAddress("127.0.0.1", 1), **options)  # type: ignore[arg-type]


# ---------------------------------------------------------------------- dialling


@pytest.mark.parametrize(
    ("address", "family"),
    [
        (TcpAddress("127.0.0.1", 80), socket.AF_INET),
        (TcpAddress("::1", 80), socket.AF_INET6),
        (UnixAddress("/run/app"), socket.AF_UNIX),
        (UnixAddress("@app"), socket.AF_UNIX),
    ],
)
def test_family_follows_from_the_address(address: TcpAddress | UnixAddress, family: int) -> None:
    backend = live(address)
    assert backend.family == family
    assert backend.sockaddr is not None


def test_name_is_dialled_only_when_it_is_resolved() -> None:
    backend = live(TcpAddress("app.test", 80))
    with pytest.raises(ConnectFailed) as caught:
        backend.dial()
    assert caught.value.reason == "unresolved"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        backend.resolved(socket.AF_INET, listening.getsockname())
        with backend.dial() as sock:
            assert not sock.getblocking()
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_missing_socket_file_is_known_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConnectFailed) as caught:
        live(UnixAddress(str(tmp_path / "none"))).dial()
    assert caught.value.reason == "no-such-socket"
    assert not isinstance(caught.value, NoRoom)


def test_full_queue_of_a_unix_socket_is_not_an_illness(tmp_path: Path) -> None:
    path = str(tmp_path / "app")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(0)
        backend = live(UnixAddress(path))
        with backend.dial(), pytest.raises(NoRoom) as caught:
            backend.dial()
    assert caught.value.reason == "backlog-full"


@pytest.mark.parametrize(
    ("code", "reason", "is_ours"),
    [
        (errno.ECONNREFUSED, "connect-refused", False),
        (errno.EHOSTUNREACH, "unreachable", False),
        (errno.EACCES, "permission-denied", False),
        (errno.EMFILE, "no-descriptors", True),
        (errno.EADDRNOTAVAIL, "no-local-port", True),
        (errno.EIO, "connect-failed", False),
    ],
)
def test_reason_and_whose_want_it_is(code: int, reason: str, is_ours: bool) -> None:
    error = connect_failed(OSError(code, "text"), live())
    assert (error.reason, isinstance(error, NoRoom)) == (reason, is_ours)
    assert error.backend == "127.0.0.1:1"


# ---------------------------------------------------------------------- idle connections


def test_freshest_idle_connection_is_used_first() -> None:
    backend = live()
    old, fresh = Connection(1), Connection(2)
    assert backend.take_idle() is None
    assert backend.keep(old, 1.0)
    assert backend.keep(fresh, 2.0)
    assert backend.take_idle() is fresh
    assert backend.take_idle() is old
    assert backend.take_idle() is None


def test_idle_connections_are_bounded() -> None:
    backend = live(idle_limit=1)
    assert backend.keep(Connection(1), 1.0)
    assert not backend.keep(Connection(2), 1.0)
    assert not live(idle_limit=0).keep(Connection(1), 1.0)


def test_old_idle_connections_are_closed_and_forgotten() -> None:
    backend = live()
    connections = [Connection(number) for number in range(4)]
    for connection in connections:
        backend.keep(connection, float(connection.name))
    backend.expire(1.0)
    assert [connection.is_closed for connection in connections] == [True, True, False, False]
    assert backend.idle == connections[2:]


def test_group_gets_its_share_of_connections_before_one_is_used_again() -> None:
    backend = live(members=2)
    made = []
    for number in range(2 * CONNECTIONS_PER_MEMBER):
        backend.taken = 1
        assert backend.take_idle() is None
        made.append(Connection(number))
        backend.keep(made[-1], float(number))
    assert [backend.take_idle() for _ in made][:1] == made[:1]  # and then each in its turn


@given(st.integers(2, 4), st.lists(st.booleans(), max_size=80))
def test_group_never_lends_a_connection_twice_and_spreads_over_enough(members: int, steps: list[bool]) -> None:
    backend, lent, made = live(members=members), [], 0
    for takes in steps:
        if takes:
            backend.taken += 1
            connection = backend.take_idle()
            if connection is None:
                made += 1
                connection = Connection(made)
            else:
                assert len(lent) + 1 + len(backend.idle) >= min(made, members * CONNECTIONS_PER_MEMBER)
            assert connection not in lent
            lent.append(connection)
        elif lent:
            backend.taken -= 1
            assert backend.keep(lent.pop(0), 0.0)
