"""What the model of a queue needs. pull/test_deployment.py deploys it, and test_registry.py with all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.application import SAMPLE, parse_application
from proxy.lab.models.queue.model import BEANSTALKD, EMBEDDED, Queue

if TYPE_CHECKING:
    import pytest


def test_the_real_one_has_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert not Queue().missing(EMBEDDED, SAMPLE)
    (missing,) = Queue().missing(BEANSTALKD, SAMPLE)
    assert "apt-get install beanstalkd" in str(missing)


def test_a_worker_has_the_application_to_itself() -> None:
    (missing,) = Queue().missing(EMBEDDED, parse_application(["serve --fd {fd}"]))
    assert "no socket and no port" in str(missing)
