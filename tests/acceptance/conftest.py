"""`pytest tests/acceptance --soak`, or SOAK=1: full sizes and minutes instead of what fits every run."""

from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="acceptance tests at full size (the nightly mode)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if is_soaking(config):
        return
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.skip(reason="only with --soak"))


@pytest.fixture(scope="session")
def soaking(pytestconfig: pytest.Config) -> bool:
    return is_soaking(pytestconfig)


def is_soaking(config: pytest.Config) -> bool:
    """pytest knows the option only when this folder is named on its command line; the variable works from anywhere."""
    return bool(config.getoption("soak", default=False)) or os.environ.get("SOAK", "") not in ("", "0")
