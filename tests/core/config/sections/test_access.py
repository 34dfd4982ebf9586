"""Rules on trusted proxies, allow and deny."""

import pytest

from proxy.core.config import check_text

HTTP = '[frontends.web]\nlisten = "127.0.0.1:80"\npool = "app"\n'
APP = '[pools.app]\nbackends = ["127.0.0.1:9001"]\n'


def problems(settings: str, mode: str = "http") -> list[tuple[int, str, str]]:
    text = f'{HTTP}mode = "{mode}"\n{settings}\n{APP}'
    return [(p.line, p.message, p.hint) for p in check_text(text, "lb.toml").problems]


def test_sound_settings() -> None:
    settings = (
        'proxy_protocol = true\ntrusted_proxies = ["10.0.0.0/8", "unix:"]\nallow = "192.0.2.0/24"\ndeny = ["::1"]'
    )
    assert problems(settings) == []
    assert problems(settings, "tcp") == []
    assert problems('forwarded = "both"') == []


def test_headers_that_nobody_may_send() -> None:
    (problem,) = problems("proxy_protocol = true")
    assert problem == (
        5,
        "nobody is trusted to send PROXY headers, so every connection would be refused",
        'name the networks of your proxies in "trusted_proxies"',
    )


def test_trust_without_a_use() -> None:
    (problem,) = problems('trusted_proxies = ["10.0.0.0/8"]', "tcp")
    assert problem[:2] == (5, 'in mode "tcp" only a PROXY header can say who the client is')
    (problem,) = problems('forwarded = "both"', "tcp")
    assert problem[:2] == (5, '"forwarded" needs mode "http": in mode "tcp" nothing is added to what the client sends')


def test_allowed_and_denied() -> None:
    (problem,) = problems('allow = ["10.0.0.0/8", "10.1.0.0/16"]\ndeny = ["10.1.0.0/16"]')
    assert problem[:2] == (6, "10.1.0.0/16 stands in both allow and deny")
    assert problems('allow = "10.0.0.1"\ndeny = "10.0.0.1/32"')[0][1] == "10.0.0.1/32 stands in both allow and deny"


def test_a_group_without_a_user() -> None:
    (problem,) = check_text(f'group = "nogroup"\n{HTTP}{APP}', "lb.toml").problems
    assert (problem.line, problem.message) == (1, '"group" goes with "user": root with another group is root')


@pytest.mark.parametrize("name", ["", "a b", "-x", "a:b", "x" * 40])
def test_what_is_no_name_of_a_user(name: str) -> None:
    (problem,) = check_text(f'user = "{name}"\n{HTTP}{APP}', "lb.toml").problems
    assert problem.message == f'"{name}" is not the name of a user or group: write one like "nobody"'


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"10.0.0"', '"10.0.0" is not a network: write one like "10.0.0.0/8", "2001:db8::/32" or "unix:"'),
        ('["10.0.0.1/8"]', '"10.0.0.1/8" names an address within the network: write "10.0.0.0/8"'),
        ("[10]", '10 is not a network: write text like "10.0.0.0/8"'),
    ],
)
def test_what_is_no_network(value: str, message: str) -> None:
    for key in ("trusted_proxies", "allow", "deny"):
        assert problems(f"{key} = {value}") == [(5, message, "")]
