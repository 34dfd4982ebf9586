import pytest

from proxy.core.metrics.fairness import jain_index


@pytest.mark.parametrize(
    ("shares", "index"),
    [([], 1.0), ([0, 0], 1.0), ([7], 1.0), ([5, 5, 5], 1.0), ([9, 0, 0], 1 / 3), ([3, 1], 16 / 20)],
)
def test_jain_index(shares: list[float], index: float) -> None:
    assert jain_index(shares) == pytest.approx(index)
