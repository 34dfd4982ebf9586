"""What the model of a tuple space needs. pull/test_deployment.py deploys it, and test_registry.py with all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.application import SAMPLE
from proxy.lab.models.tuple_space.model import EMBEDDED, LEASES, RINDA, TupleSpace

if TYPE_CHECKING:
    import pytest


def test_the_real_one_has_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert not TupleSpace().missing(EMBEDDED, SAMPLE)
    assert not TupleSpace().missing(LEASES, SAMPLE)
    (missing,) = TupleSpace().missing(RINDA, SAMPLE)
    assert "apt-get install ruby" in str(missing)
