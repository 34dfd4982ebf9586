"""What rproxy's statistics say of each worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.models.rproxy.told import answers_by_worker, statistics

if TYPE_CHECKING:
    from pathlib import Path


def test_answers_of_all_statuses_count() -> None:
    backends = [{"address": "unix:/2", "statuses": {"2xx": 5, "5xx": 1}}, {"address": "unix:/1", "statuses": {}}]
    told = {"pools": [{"backends": backends}]}
    assert answers_by_worker(told, {1: "unix:/1", 2: "unix:/2", 3: "unix:/3"}) == {1: 0, 2: 6}


async def test_nobody_who_tells_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="admin"):
        await statistics(f"{tmp_path}/admin")
