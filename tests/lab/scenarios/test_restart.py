"""What has nobody beside it cannot be restarted and says so; the models that can are held to it in test_facts.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lab.scenarios.conftest import On


@pytest.mark.slow
def test_what_cannot_be_restarted_is_told(on_direct: On) -> None:
    assert "cannot be replaced" in on_direct["restart"][1].cannot
