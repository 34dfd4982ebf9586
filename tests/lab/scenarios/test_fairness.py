"""Shares and their figures, of one process that has all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.results import WorkerShare
from proxy.lab.scenarios import fairness

if TYPE_CHECKING:
    from tests.lab.scenarios.conftest import On


@pytest.mark.slow
def test_one_process_has_all_connections_and_requests(on_direct: On) -> None:
    _, result = on_direct["fairness"]
    (share,) = result.shares
    assert result.load is not None
    assert share.connections == fairness.CONNECTIONS
    assert share.requests == sum(connection.requests for connection in result.load.per_connection)
    assert result.figures["jain_connections"] == result.figures["jain_requests"] == 1.0
    assert result.figures["chance_cv"] == result.figures["cv_connections"] == 0.0


def test_figures_of_an_uneven_share() -> None:
    shares = [WorkerShare(1, 11, 150, 300, 0.3), WorkerShare(2, 12, 50, 100, 0.1)]
    found = fairness.work_figures(shares) | fairness.connection_figures(shares, 200)
    assert found["cv_connections"] == 0.5
    assert found["max_mean_connections"] == 1.5
    assert found["jain_connections"] == found["jain_requests"] == pytest.approx(0.8)
    assert found["chance_cv"] == pytest.approx(0.0707, rel=0.01)


def test_requests_that_nobody_could_count_have_no_figure() -> None:
    found = fairness.work_figures([WorkerShare(1, 11, 1, None, 0.3), WorkerShare(2, 12, 1, 3, 0.1)])
    assert "jain_requests" not in found
