from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from math import log2
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.balance.fenwick import Fenwick


class Reads(list[int]):
    """A list that counts how often it is read."""

    reads = 0

    def __getitem__(self, index: Any) -> Any:
        self.reads += 1
        return super().__getitem__(index)


@given(st.lists(st.tuples(st.sampled_from(["append", "pop", "change"]), st.integers(0, 40), st.integers(1, 9))))
def test_it_agrees_with_a_plain_list(acts: list[tuple[str, int, int]]) -> None:
    tree = Fenwick()
    plain: list[int] = []
    for act, number, weight in acts:
        if act == "append" or not plain:
            tree.append(weight)
            plain.append(weight)
        elif act == "pop":
            tree.pop()
            plain.pop()
        else:
            index = number % len(plain)
            tree.change(index, weight - plain[index])
            plain[index] = weight
    sums = list(accumulate(plain, initial=0))
    assert [tree.prefix(i) for i in range(len(plain) + 1)] == sums
    assert tree.total == sums[-1]
    assert [tree.find(target) for target in range(tree.total)] == [
        bisect_right(sums, target) - 1 for target in range(tree.total)
    ]


@pytest.mark.parametrize("size", [8, 1000])
def test_every_operation_reads_log_n_nodes(size: int) -> None:
    tree = Fenwick()
    for _ in range(size):
        tree.append(1)
    limit = log2(size) + 2
    for index in range(size):
        for act in (lambda i: tree.find(i), lambda i: tree.prefix(i), lambda i: tree.change(i, 1)):
            tree._nodes = nodes = Reads(tree._nodes)
            act(index)
            assert nodes.reads <= limit
    tree._nodes = nodes = Reads(tree._nodes)
    tree.append(1)
    assert nodes.reads <= limit
