"""Which listeners an address means, as the kernel decides it."""

from __future__ import annotations

import socket

import pytest

from proxy.core.address import parse_address
from proxy.core.config import ListenOptions
from proxy.doctor.machine import Machine, look_at_sockets
from proxy.doctor.places import in_the_way, is_here, names_of, reached
from proxy.engine.listener import listen
from tests.doctor.support import listening, process

PORT = 9001
ANY4, ANY6, DUAL = "0.0.0.0:9001", "[::]:9001", "[::]:9001 and IPv4"
HOSTS = ["127.0.0.1", "[::1]", "0.0.0.0", "[::]"]


def machine(*addresses: str) -> Machine:
    return Machine(listening=tuple(listening(a.split()[0], takes_ipv4=a == DUAL) for a in addresses))


@pytest.mark.parametrize(
    ("address", "listener", "is_met"),
    [
        ("127.0.0.1:9001", "127.0.0.1:9001", True),
        ("127.0.0.1:9001", ANY4, True),
        ("127.0.0.1:9001", DUAL, True),
        ("127.0.0.1:9001", ANY6, False),
        ("127.0.0.1:9001", "[::1]:9001", False),
        ("127.0.0.1:9001", "127.0.0.2:9001", False),
        ("127.0.0.1:9001", "127.0.0.1:9002", False),
        ("[::1]:9001", ANY6, True),
        ("[::1]:9001", ANY4, False),
        ("localhost:9001", "[::1]:9001", True),
        ("192.0.2.1:9001", ANY4, False),  # another machine's
        ("unix:/a", "unix:/a", True),
        ("unix:@a", "unix:/a", False),
    ],
)
def test_where_a_connect_ends(address: str, listener: str, is_met: bool) -> None:
    assert bool(reached(machine(listener), parse_address(address))) is is_met


def test_the_exact_address_wins() -> None:
    found = reached(machine(ANY4, "127.0.0.1:9001"), parse_address("127.0.0.1:9001"))
    assert [str(one.socket.address) for one in found] == ["127.0.0.1:9001"]


def port_free_everywhere() -> int:
    """Of all addresses: what is free at one may be somebody's connection from another."""
    with socket.socket(socket.AF_INET6) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.mark.parametrize("theirs", HOSTS)
@pytest.mark.parametrize("ours", HOSTS)
@pytest.mark.parametrize("only_v6", [False, True])
def test_what_is_in_the_way_is_what_the_kernel_says(ours: str, theirs: str, only_v6: bool) -> None:
    """Theirs stands; we try to bind, and compare."""
    port = port_free_everywhere()
    host = theirs.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        if ":" in host:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_v6)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen()
        address = parse_address(f"{ours}:{port}")
        expected = bool(in_the_way(Machine(listening=look_at_sockets()), address))
        try:
            listen(address, ListenOptions()).close()
        except OSError:
            assert expected
        else:
            assert not expected


def test_addresses_of_this_machine() -> None:
    assert is_here("localhost")
    assert is_here("127.0.0.9")
    assert not is_here("192.0.2.1")
    assert not is_here("example.com")


def test_names_are_few() -> None:
    found = [listening("127.0.0.1:9001", process(pid, "app")) for pid in range(11, 17)]
    assert names_of(found).endswith(" and 2 more")
    assert names_of([listening("127.0.0.1:9001")]) == "somebody that only root can see"
