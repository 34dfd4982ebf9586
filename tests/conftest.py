"""What all tests share: figures, and the nightly mode.

`pytest --soak`, or SOAK=1: full sizes and minutes instead of what fits every run.

Figures are what tests measure and do not judge by: the summary of a run shows them, so that the log of CI has them.

def test_something(figures: Figures) -> None:
    figures("10,000 idle connections: 6.5 MiB, p99 of the others 1.2 ms")
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

# A machine that is busy with something else is no fault of what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

Figures = Callable[[str], None]

_LINES: pytest.StashKey[list[str]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="tests at full size (the nightly mode)")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_LINES] = []


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
    return bool(config.getoption("soak", default=False)) or os.environ.get("SOAK", "") not in ("", "0")


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    """Takes a line, or several, for the summary."""
    return pytestconfig.stash[_LINES].append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash[_LINES]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.line(line)
