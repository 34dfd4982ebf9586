import pytest

from proxy.core.address import parse_address
from proxy.core.config import Backend, Config, Frontend, Pool, Route
from proxy.core.config.rules.clashes import check_clashes, check_loops


def frontend(name: str, *listen: str, pool: str = "app", routes: tuple[Route, ...] = ()) -> Frontend:
    return Frontend(name=name, listen=tuple(map(parse_address, listen)), pool=pool, routes=routes)


def config(*frontends: Frontend, **pools: str) -> Config:
    backends = {name: tuple(Backend(address=parse_address(a)) for a in text.split()) for name, text in pools.items()}
    return Config(
        frontends={f.name: f for f in frontends},
        pools={name: Pool(name=name, backends=several) for name, several in backends.items()},
    )


def clashes(first: str, second: str) -> list[str]:
    return [finding.message for finding in check_clashes(config(frontend("a", first), frontend("b", second)))]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("127.0.0.1:80", "127.0.0.1:81"),
        ("127.0.0.1:80", "127.0.0.2:80"),
        ("0.0.0.0:80", "127.0.0.1:81"),
        ("0.0.0.0:0", "127.0.0.1:0"),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("0.0.0.0:80", "[::]:80"),
        ("0.0.0.0:80", "[::1]:80"),
        ("unix:/a", "unix:/b"),
        ("unix:/a", "127.0.0.1:80"),
    ],
)
def test_addresses_that_live_side_by_side(first: str, second: str) -> None:
    assert clashes(first, second) == clashes(second, first) == []


@pytest.mark.parametrize("address", ["127.0.0.1:80", "[::1]:80", "localhost:80", "unix:/run/a.sock", "unix:@a"])
def test_one_address_twice(address: str) -> None:
    assert clashes(address, address) == [f'{address} is taken: frontend "a" listens on it']


def test_host_names_have_no_case() -> None:
    assert clashes("localhost:80", "LOCALHOST:80") == ['LOCALHOST:80 is taken: frontend "a" listens on it']


def test_every_address_covers_each() -> None:
    ipv4 = "(0.0.0.0 is every IPv4 address of this machine)"
    assert clashes("0.0.0.0:80", "127.0.0.1:80") == [
        f'127.0.0.1:80 is taken: frontend "a" listens on 0.0.0.0:80 {ipv4}'
    ]
    assert clashes("localhost:80", "0.0.0.0:80") == [
        f'0.0.0.0:80 is taken: frontend "a" listens on localhost:80 {ipv4}'
    ]
    assert clashes("[::]:80", "[::1]:80") == [
        '[::1]:80 is taken: frontend "a" listens on [::]:80 (:: is every IPv6 address of this machine)'
    ]


def test_one_frontend_may_clash_with_itself() -> None:
    (finding,) = check_clashes(config(frontend("a", "[::1]:80", "127.0.0.1:80", "127.0.0.1:80")))
    assert finding.path == ("frontends", "a", "listen", 2)
    assert finding.message == "127.0.0.1:80 is taken: the same frontend listens on it"


@pytest.mark.parametrize(
    ("listen", "backend"),
    [
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("0.0.0.0:80", "127.0.0.1:80"),
        ("0.0.0.0:80", "127.9.9.9:80"),
        ("0.0.0.0:80", "localhost:80"),
        ("0.0.0.0:80", "0.0.0.0:80"),
        ("[::]:80", "[::1]:80"),
        ("unix:/run/a.sock", "unix:/run/a.sock"),
    ],
)
def test_a_pool_that_leads_to_its_own_frontend(listen: str, backend: str) -> None:
    (finding,) = check_loops(config(frontend("a", listen), app=f"10.0.0.1:1 {backend}"))
    assert finding.path == ("pools", "app", "backends", 1, "address")
    assert finding.message == f'{backend} leads back to frontend "a": work would go round for ever'


@pytest.mark.parametrize(
    ("listen", "backend"),
    [
        ("0.0.0.0:80", "10.0.0.5:80"),  # most likely another machine
        ("0.0.0.0:80", "127.0.0.1:81"),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("0.0.0.0:80", "[::1]:80"),
        ("127.0.0.2:80", "127.0.0.1:80"),
        ("unix:/a", "127.0.0.1:80"),
    ],
)
def test_backends_elsewhere(listen: str, backend: str) -> None:
    assert list(check_loops(config(frontend("a", listen), app=backend))) == []


def test_a_chain_of_frontends_may_end() -> None:
    chain = config(
        frontend("a", "0.0.0.0:80", pool="to_b"),
        frontend("b", "127.0.0.1:81", pool="missing"),
        to_b="127.0.0.1:81",
        unused="127.0.0.1:80",
    )
    assert list(check_loops(chain)) == []


def test_a_loop_over_several_frontends_and_a_route() -> None:
    chain = config(
        frontend("a", "0.0.0.0:80", pool="to_b"),
        frontend("b", "unix:@b", pool="app", routes=(Route(path="/", pool="to_a"),)),
        to_b="unix:@b",
        to_a="127.0.0.1:80",
        app="127.0.0.1:9001",
    )
    assert [(f.path[1], f.message.partition(":")[0]) for f in check_loops(chain)] == [
        ("to_b", "unix"),
        ("to_a", "127.0.0.1"),
    ]
