"""Networks are found by their longest prefix, however many there are; `allow` and `deny` follow one rule."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.client.networks import NOWHERE, Access, NetworkError, Networks, parse_network


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.5", "10.0.0.5/32"),
        ("::1", "::1/128"),
        ("2001:DB8:0::/32", "2001:db8::/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("unix:", "unix:"),
    ],
)
def test_a_network_has_one_spelling(text: str, network: str) -> None:
    assert parse_network(text) == network


@pytest.mark.parametrize("text", ["", "10.0.0", "10.0.0.0/33", "localhost", "10.0.0.0-10.0.0.9", "unix:/run/a", "/8"])
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(NetworkError, match=r"is not a network: write one like"):
        parse_network(text)


def test_an_address_within_a_network_is_most_likely_a_mistake() -> None:
    with pytest.raises(NetworkError, match=r'write "10\.0\.0\.0/8"'):
        parse_network("10.1.0.0/8")


def test_mapped_addresses_are_written_as_ipv4() -> None:
    with pytest.raises(NetworkError, match=r"write addresses of IPv4 as such"):
        parse_network("::ffff:10.0.0.0/104")


def test_the_longest_prefix_is_found() -> None:
    networks = Networks(["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "2001:db8::/32", "0.0.0.0/0"])
    assert networks.prefix_of("10.1.2.3") == 32
    assert networks.prefix_of("10.1.2.4") == 16
    assert networks.prefix_of("10.2.0.0") == 8
    assert networks.prefix_of("192.0.2.1") == 0
    assert networks.prefix_of("2001:db8:1::") == 32
    assert networks.prefix_of("2001:db9::") == NOWHERE


def test_an_ipv4_address_in_ipv6_clothes_is_one() -> None:
    assert "::ffff:10.9.9.9" in Networks(["10.0.0.0/8"])
    assert "::ffff:11.0.0.1" not in Networks(["10.0.0.0/8", "::/0"])


def test_what_is_no_address_is_nowhere() -> None:
    networks = Networks(["0.0.0.0/0", "::/0"])
    assert "unknown" not in networks
    assert "fe80::1%eth0" in networks
    assert "" not in networks
    assert "" in Networks(["unix:"])


NETWORK = st.builds(
    lambda number, prefix: str(ipaddress.ip_network((number, prefix), strict=False)),
    st.integers(0, 2**32 - 1) | st.integers(0, 15),
    st.integers(0, 32),
)
ADDRESS = (st.integers(0, 2**32 - 1) | st.integers(0, 15)).map(lambda number: str(ipaddress.IPv4Address(number)))


@given(st.lists(NETWORK, max_size=20), ADDRESS)
def test_as_if_each_network_were_asked(networks: list[str], host: str) -> None:
    found = [n.prefixlen for n in map(ipaddress.ip_network, networks) if ipaddress.ip_address(host) in n]
    assert Networks(networks).prefix_of(host) == max(found, default=NOWHERE)


def test_without_lists_everybody_may_come() -> None:
    access = Access((), ())
    assert access.admits("192.0.2.1")
    assert access.admits("")


def test_deny_alone_keeps_some_out() -> None:
    access = Access((), ["192.0.2.0/24"])
    assert not access.admits("192.0.2.1")
    assert access.admits("198.51.100.1")
    assert access.admits("")


def test_allow_alone_lets_some_in() -> None:
    access = Access(["192.0.2.0/24"], ())
    assert access.admits("192.0.2.1")
    assert not access.admits("198.51.100.1")
    assert not access.admits("2001:db8::1")
    assert not access.admits("")
    assert Access(["unix:"], ()).admits("")


def test_the_more_specific_of_both_decides() -> None:
    access = Access(["10.0.0.0/8", "10.1.2.3/32"], ["10.1.0.0/16", "0.0.0.0/0"])
    assert access.admits("10.2.0.1")
    assert not access.admits("10.1.2.4")
    assert access.admits("10.1.2.3")
    assert not access.admits("192.0.2.1")
