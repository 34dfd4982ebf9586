"""Counts the records of one frontend in one data plane, until they are taken to be told."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

from proxy.core.access_log.record import SWITCHED
from proxy.core.metrics.times import BOUNDS, BUCKETS, Times
from proxy.core.metrics.told import Ended, FrontendTold, ToldTimes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.core.access_log.record import Marks, Outcome, Record

BEFORE_ANSWER = ("read", "pick", "dial", "write")


class _Cell:
    """What had the same outcome.

    answers: by bucket, of those in which nothing but the answer took time. others: the rest, and answers of those that
    have one.
    """

    __slots__ = ("answers", "bytes_in", "bytes_out", "other_answers", "others")

    def __init__(self) -> None:
        self.bytes_in = self.bytes_out = 0
        self.answers = [0] * BUCKETS
        self.others = 0
        self.other_answers: Counter[int] = Counter()


class Tally:
    """is_tcp: the frontend relays connections, whose last step is a tunnel and which have no answer."""

    def __init__(self, *, is_tcp: bool = False) -> None:
        self._last = "tunnel" if is_tcp else "body"
        self._steps = ("pick", "dial") if is_tcp else (*BEFORE_ANSWER, "answer")
        self._forget()

    def _forget(self) -> None:
        self._cells: dict[Outcome, _Cell] = {}
        self._phases: dict[str, Times] = {}
        self._answer_seconds = 0.0  # of `_Cell.answers`

    def add(self, records: Iterable[Record]) -> None:
        """Flat, because every exchange passes here: 0.4 us each, of the 18 that one takes.

        Nearly all are sent on and answered whole within a batch of events each, so that their clock did not move in
        between (see engine/http/logged.py): they are counted as one time.
        """
        cells, bounds, bucket_of = self._cells, BOUNDS, bisect_left
        seconds = 0.0
        for _, _, _, marks, outcome, bytes_in, bytes_out in records:
            cell = cells.get(outcome)
            if cell is None:
                cell = cells[outcome] = _Cell()
            cell.bytes_in += bytes_in
            cell.bytes_out += bytes_out
            began, _, _, _, written, answered, ended = marks
            if written == began and answered == ended:
                took = ended - began
                cell.answers[bucket_of(bounds, took)] += 1
                seconds += took
            else:
                self._add_steps(marks, outcome, cell)
        self._answer_seconds += seconds

    def _add_steps(self, marks: Marks, outcome: Outcome, cell: _Cell) -> None:
        """Each step that was reached; the one in which it ended has all time to the end."""
        began, read, picked, dialled, written, answered, ended = marks
        reached = (picked, dialled) if self._last == "tunnel" else (read, picked, dialled, written, answered)
        self._phase("total").add(ended - began)
        last = began
        for name, mark in zip(self._steps, reached, strict=True):
            if not mark:
                self._phase(name).add(ended - last)
                break
            self._phase(name).add(mark - last)
            last = mark
        else:
            self._phase("tunnel" if outcome[5] == SWITCHED else self._last).add(ended - last)
        cell.others += 1
        if picked and answered:
            cell.other_answers[bisect_left(BOUNDS, answered - picked)] += 1

    def _phase(self, name: str) -> Times:
        times = self._phases.get(name)
        if times is None:
            times = self._phases[name] = Times()
        return times

    def take(self, *, active: int = 0, accepted: int = 0) -> FrontendTold:
        """All since the last time; the arguments go along."""
        ended: dict[tuple[str, str, int, str], list[int]] = {}
        latencies: dict[str, dict[str, dict[int, int]]] = {}
        answers: Counter[int] = Counter()
        for (pool, backend, _, _, status, _, reason), cell in self._cells.items():
            at_once = {bucket: count for bucket, count in enumerate(cell.answers) if count}
            answers.update(at_once)
            sums = ended.setdefault((pool, backend, status, reason), [0, 0, 0])
            sums[0] += sum(at_once.values()) + cell.others
            sums[1] += cell.bytes_in
            sums[2] += cell.bytes_out
            if backend:
                known = latencies.setdefault(pool, {}).setdefault(backend, {})
                for bucket, count in (*at_once.items(), *cell.other_answers.items()):
                    known[bucket] = known.get(bucket, 0) + count
        self._add_answered_at_once(answers)
        phases = {name: ToldTimes(times.sparse(), times.sum) for name, times in self._phases.items()}
        self._forget()
        found = [Ended(*key, *sums) for key, sums in ended.items()]
        return FrontendTold(active, accepted, found, phases, latencies)

    def _add_answered_at_once(self, answers: Counter[int]) -> None:
        if count := answers.total():
            for name in ("answer", "total"):
                self._phase(name).merge(answers, self._answer_seconds)
            for name in (*BEFORE_ANSWER, self._last):
                self._phase(name).counts[0] += count
