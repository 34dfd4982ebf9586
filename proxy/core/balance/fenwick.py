"""A Fenwick tree: a list of weights whose prefix sums are quick to read and to change."""

from __future__ import annotations


class Fenwick:
    """Weights by index from 0. Every operation is O(log n), at most 10 rounds of its loop for 1,000 weights.

    Node i, counted from 1, holds the sum of the `i & -i` weights that end with the i-th; node 0 is not used.
    Source: P. Fenwick, "A New Data Structure for Cumulative Frequency Tables", Software: Practice and Experience, 1994.
    """

    __slots__ = ("_nodes", "total")

    def __init__(self) -> None:
        self._nodes = [0]
        self.total = 0

    def append(self, weight: int) -> None:
        nodes = self._nodes
        end = len(nodes)
        node, child = weight, 1
        while child < end & -end:  # a new node covers the weights of its children
            node += nodes[end - child]
            child <<= 1
        nodes.append(node)
        self.total += weight

    def pop(self) -> None:
        """Drop the last weight. No node before it includes it."""
        last = len(self._nodes) - 1
        self.total -= self.prefix(last) - self.prefix(last - 1)
        self._nodes.pop()

    def change(self, index: int, delta: int) -> None:
        nodes = self._nodes
        self.total += delta
        i = index + 1
        while i < len(nodes):
            nodes[i] += delta
            i += i & -i

    def prefix(self, index: int) -> int:
        """The sum of the first `index` weights."""
        nodes = self._nodes
        result = 0
        while index:
            result += nodes[index]
            index &= index - 1
        return result

    def find(self, target: int) -> int:
        """The index i with prefix(i) <= target < prefix(i + 1), for 0 <= target < total: a walk from the root down."""
        nodes = self._nodes
        size = len(nodes)
        index = 0
        step = 1 << (size - 1).bit_length() >> 1
        while step:
            probe = index + step
            if probe < size and (node := nodes[probe]) <= target:
                target -= node
                index = probe
            step >>= 1
        return index
