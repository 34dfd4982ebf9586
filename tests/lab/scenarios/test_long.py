"""What cannot grow says so; the models that can are held to it in test_facts.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lab.scenarios.conftest import On


@pytest.mark.slow
def test_what_cannot_grow_is_told(on_direct: On) -> None:
    assert on_direct["long"][1].cannot == "it is one process"
