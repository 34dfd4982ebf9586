from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.serve.admin.exposition import SLICE, counter, gauge, render


@pytest.mark.parametrize("count", [0, 1, SLICE, SLICE + 1, 2 * SLICE, 3 * SLICE + 7])
async def test_parts_are_one_family_in_the_text(count: int) -> None:
    parts = list(counter("work", "What was done", "place", (((str(number),), number) for number in range(count))))
    assert len(parts) == max(1, -(-count // SLICE))
    text = (await render([*gauge("before", "A", "", [((), 1)]), *parts, *gauge("after", "B", "", [((), 2)])])).decode()
    assert text.count("# HELP work_total What was done\n") == text.count("# TYPE work_total counter\n") == 1
    before, work, after = text_string_to_metric_families(text)
    assert [(s.labels["place"], s.value) for s in work.samples] == [(str(number), number) for number in range(count)]
    assert (before.samples[0].value, after.samples[0].value) == (1, 2)


async def test_what_is_not_known_is_left_out() -> None:
    text = await render(gauge("load", "C", "place", [(("a",), None), (("b",), 0)]))
    assert text.decode().splitlines()[2:] == ['load{place="b"} 0.0']


async def test_names_of_strangers_cannot_end_a_line() -> None:
    text = await render(gauge("load", "D", "place", [(('x"} 1\nload{place="y',), 1)]))
    (family,) = text_string_to_metric_families(text.decode())
    assert [sample.labels["place"] for sample in family.samples] == ['x"} 1\nload{place="y']
