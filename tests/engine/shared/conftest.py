from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def no_descriptor_is_left() -> Iterator[None]:
    """A scoreboard's memory has a descriptor of its own, and goes with its last view."""
    yield
    gc.collect()
