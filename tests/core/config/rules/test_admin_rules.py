from __future__ import annotations

import pytest

from proxy.core.address import parse_address
from proxy.core.config import Admin, Config
from proxy.core.config.rules.admin_rules import check_admin


def faults(**settings: object) -> list[tuple[str, str]]:
    config = Config(frontends={}, admin=Admin(**settings))  # type: ignore[arg-type]
    return [(str(finding.path[-1]), finding.severity) for finding in check_admin(config)]


def test_without_the_table_there_is_nothing_to_say() -> None:
    assert not list(check_admin(Config(frontends={})))


@pytest.mark.parametrize("address", ["127.0.0.1:9900", "127.8.0.1:1", "[::1]:9900", "localhost:9900", "unix:@admin"])
def test_places_that_only_this_machine_reaches(address: str) -> None:
    assert faults(listen=parse_address(address)) == []


@pytest.mark.parametrize("address", ["0.0.0.0:9900", "10.0.0.1:9900", "[::]:9900", "admin.example:9900"])
def test_a_word_on_others(address: str) -> None:
    assert faults(listen=parse_address(address)) == [("listen", "warning")]


def test_two_tokens_are_one_too_many() -> None:
    both = {"token": "0123456789abcdef", "token_file": "/etc/token"}
    assert faults(listen=parse_address("unix:@admin"), **both) == [("token_file", "error")]
