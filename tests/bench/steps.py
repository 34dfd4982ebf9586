"""What each step that a new head needs costs alone: what is left when nothing stands between them.

    python -m tests.bench.steps [--turns 400]

Each step runs over 32 heads that nobody has seen, as they come in a batch; the tenth percentile of the turns counts,
less what an empty step takes. Their sum is a floor for this way of doing it in Python: calls between them, sockets and
the reactor come on top, which `python -m tests.bench.path` has.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING, Any

from proxy.core.access_log.json_lines import JsonLines
from proxy.core.access_log.record import Client, Usual
from proxy.core.client.peer import Peer
from proxy.core.http.framing import END_OF_HEAD
from proxy.core.http.head_cache import HeadCache
from proxy.core.http.request import RequestHead, RequestParser
from proxy.core.metrics.tally import Tally
from tests.bench.path import CLIENTS, REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from proxy.core.access_log.record import Record

CLIENT = "192.0.2.1"
OUTCOME = Usual(("app", "127.0.0.1:9001", 1, True, 200, 200, "ok"))


class Heads:
    """parser: knows the shape of these heads."""

    def __init__(self) -> None:
        self._number = 0
        self.parser = RequestParser()
        for raw in self.next():
            self.parser.parse(raw, CLIENT)
        self._client = Client(1, Peer(CLIENT, 1024))

    def next(self) -> list[bytes]:
        self._number += CLIENTS
        return [REQUEST.format(n, n * 7).encode() for n in range(self._number, self._number + CLIENTS)]

    def records(self) -> list[Record]:
        now = float(self._number)
        marks = (now, now, now, now, now, now + 0.001, now + 0.001)
        heads = [self.parser.parse(raw, CLIENT) for raw in self.next()]
        return [(self._client, 1, head, marks, OUTCOME, 600, 200) for head in heads]


def steps(heads: Heads) -> Iterator[tuple[str, Callable[[], list[Any]], Callable[[Any], object]]]:
    """What it is called, what makes its 32 inputs, and what is done with each."""
    cache, tally, lines = HeadCache[object](), Tally(), JsonLines("web", "5eed", query=False)
    parse = heads.parser.parse
    yield "find its end", heads.next, lambda raw: raw.find(END_OF_HEAD)
    yield "look whether it is known", heads.next, cache.find
    yield "llhttp, where it is asked", heads.next, heads.parser._judge.check
    yield "read it, of a known client", heads.next, lambda raw: parse(raw, CLIENT)
    yield "read it, of nobody", heads.next, parse
    yield "an object for it", heads.next, lambda raw: RequestHead(b"GET", raw, True)
    yield "count its record", heads.records, lambda record: tally.add((record,))
    yield "a line of its record", heads.records, lambda record: lines.line(record, 1e9)


def measure(make: Callable[[], list[Any]], step: Callable[[Any], object], turns: int) -> float:
    """Microseconds."""
    took = []
    for _ in range(turns):
        items = make()
        start = time.perf_counter()
        for item in items:
            step(item)
        took.append((time.perf_counter() - start) / CLIENTS * 1e6)
    return statistics.quantiles(took, n=10)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=400)
    turns = parser.parse_args().turns
    heads = Heads()
    empty = measure(heads.next, lambda _: None, turns)
    for name, make, step in steps(heads):
        print(f"{name:28} {measure(make, step, turns) - empty:5.2f} us")


if __name__ == "__main__":
    main()
