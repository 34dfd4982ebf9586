from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.processes import start_backend

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def hello() -> Iterator[str]:
    """The address of one `backends.hello` for all tests that only talk to it."""
    with start_backend("hello", "--name", "one") as backend:
        yield backend.address


@pytest.fixture(scope="session")
def misbehave() -> Iterator[str]:
    with start_backend("misbehave", "--pause", "0.002") as backend:
        yield backend.address
