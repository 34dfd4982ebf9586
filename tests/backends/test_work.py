"""What a request asks of the smallest servers."""

from __future__ import annotations

import time

import pytest

from backends._work import Work, work_of


def test_what_stands_in_the_target_is_done() -> None:
    assert work_of("/") == work_of("/?") == work_of("/?other=1&cpu") == Work()
    assert work_of("/x?cpu=0.25&size=10&delay=1") == Work(0.25, 1.0, 10)
    assert work_of("/x?block=1&delay=2") == Work(delay=3.0)
    before = time.process_time(), time.monotonic()
    Work(0.01, 0.02).do()
    assert time.process_time() - before[0] >= 0.01
    assert time.monotonic() - before[1] >= 0.03


@pytest.mark.parametrize("query", ["cpu=much", "size=-1", "size=1.5", "delay="])
def test_what_is_no_number_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        work_of(f"/?{query}")
