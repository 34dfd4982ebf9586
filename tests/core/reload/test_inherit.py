"""Inherited sockets find their frontends: by what they were made for, by where they are bound, by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.address import Address, parse_address
from proxy.core.reload.inherit import Offer, Origin, Shares, share_out

HTTP, HTTPS, UNIX = map(parse_address, ("127.0.0.1:8080", "127.0.0.1:8443", "unix:/run/web.sock"))
WEB = [("web", HTTP), ("web", HTTPS), ("admin", UNIX)]


def offer(name: str, address: str, origin: Origin = "unit", listen: str = "", *, is_dual: bool = False) -> Offer:
    return Offer(name, parse_address(address), origin, parse_address(listen) if listen else None, is_dual)


def by_text(shares: Shares) -> dict[str, list[int]]:
    return {f"{name} {address}": indices for (name, address), indices in shares.by_address.items()}


@pytest.mark.parametrize("origin", ["unit", "store", "upgrade"])
def test_the_bound_address_decides_whatever_the_name(origin: Origin) -> None:
    shares = share_out(WEB, [offer("unknown", "unix:/run/web.sock", origin), offer("admin", "127.0.0.1:8443", origin)])
    assert by_text(shares) == {"admin unix:/run/web.sock": [0], "web 127.0.0.1:8443": [1]}
    assert not shares.unclaimed
    assert not shares.extra


def test_workers_share_an_address_with_a_socket_each() -> None:
    shares = share_out(WEB, [offer("web", "127.0.0.1:8080", "upgrade") for _ in range(4)])
    assert by_text(shares) == {"web 127.0.0.1:8080": [0, 1, 2, 3]}


def test_of_two_frontends_on_one_address_each_has_the_sockets_of_its_name() -> None:
    wanted = [("a", HTTP), ("b", HTTP)]
    shares = share_out(wanted, [offer("b", "127.0.0.1:8080"), offer("a", "127.0.0.1:8080")])
    assert by_text(shares) == {"b 127.0.0.1:8080": [0], "a 127.0.0.1:8080": [1]}


def test_a_socket_on_a_picked_port_is_known_by_what_it_was_made_for() -> None:
    free = "127.0.0.1:0"
    wanted = [("web", parse_address(free)), ("api", parse_address(free))]
    offers = [offer("api", "127.0.0.1:4001", "upgrade", free), offer("web", "127.0.0.1:4002", "upgrade", free)]
    assert by_text(share_out(wanted, offers)) == {"api 127.0.0.1:0": [0], "web 127.0.0.1:0": [1]}


def test_a_unit_that_names_a_frontend_says_where_it_listens() -> None:
    shares = share_out(WEB, [offer("web", "127.0.0.1:80"), offer("web", "127.0.0.1:8443"), offer("web", "unix:/run/x")])
    assert by_text(shares) == {"web 127.0.0.1:8080": [0], "web 127.0.0.1:8443": [1]}
    assert shares.extra == {"web": [2]}  # a Unix socket stands in for no TCP address


def test_more_sockets_of_its_name_than_it_lists_serve_in_addition() -> None:
    shares = share_out([("web", HTTP)], [offer("web", f"127.0.0.1:{port}") for port in (81, 8080, 82)])
    assert by_text(shares) == {"web 127.0.0.1:8080": [1]}
    assert shares.extra == {"web": [0, 2]}


@pytest.mark.parametrize("origin", ["store", "upgrade"])
def test_what_was_kept_for_an_address_that_is_gone_serves_nobody(origin: Origin) -> None:
    """The configuration changed between a stop and a start: its new address is bound, the old one is let go."""
    assert share_out(WEB, [offer("web", "127.0.0.1:9999", origin)]).unclaimed == [0]


def test_a_stranger_is_unclaimed() -> None:
    assert share_out(WEB, [offer("postgres", "127.0.0.1:5432")]).unclaimed == [0]


def test_a_socket_for_both_families_stands_for_both() -> None:
    both = [("web", parse_address("0.0.0.0:80")), ("web", parse_address("[::]:80"))]
    shares = share_out(both, [offer("unknown", "[::]:80", is_dual=True)])
    assert by_text(shares) == {"web [::]:80": [0]}
    assert shares.covered == {both[0]}
    alone = share_out(both[:1], [offer("unknown", "[::]:80", is_dual=True)])
    assert by_text(alone) == {"web 0.0.0.0:80": [0]}
    assert share_out(both[:1], [offer("unknown", "[::]:80")]).unclaimed == [0]


def test_one_frontend_does_not_take_the_clients_of_another() -> None:
    """The other one's bind then fails, and says so."""
    wanted = [("a", parse_address("[::]:80")), ("b", parse_address("0.0.0.0:80"))]
    shares = share_out(wanted, [offer("a", "[::]:80", is_dual=True)])
    assert not shares.covered


NAMES = st.sampled_from(["web", "api", "other"])
ADDRESSES = st.sampled_from([*map(parse_address, ("0.0.0.0:1", "[::]:1", "127.0.0.1:2", "unix:/a", "unix:@b"))])
OFFERS = st.builds(
    Offer, NAMES, ADDRESSES, st.sampled_from(["unit", "store", "upgrade"]), st.none() | ADDRESSES, st.booleans()
)
WANTED = st.lists(st.tuples(st.sampled_from(["web", "api"]), ADDRESSES), unique=True)


@given(WANTED, st.lists(OFFERS, max_size=8))
def test_every_socket_goes_to_exactly_one_place(wanted: list[tuple[str, Address]], offers: list[Offer]) -> None:
    shares = share_out(wanted, offers)
    given = [*shares.by_address.values(), *shares.extra.values(), shares.unclaimed]
    assert sorted(index for indices in given for index in indices) == list(range(len(offers)))
    assert set(shares.by_address) <= set(wanted)
    assert not shares.covered & set(shares.by_address)
    assert set(shares.extra) <= {name for name, _ in wanted}
