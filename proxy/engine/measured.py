"""Records of frontends with metrics and no access log: counted where they are made, kept by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.engine.access_log import RecordBuffer

if TYPE_CHECKING:
    from proxy.core.access_log.record import Record
    from proxy.core.metrics.tally import Tally

ENOUGH = 128  # 50 us of counting; one by one they cost twice as much, and a thousand are in no cache any more


class MeasuredRecords(RecordBuffer):
    """Where there is a log, whoever writes that counts (serve/logs/access_log.py)."""

    __slots__ = ()
    tally: Tally

    def __init__(self, tally: Tally) -> None:
        super().__init__(tally)

    def add(self, record: Record) -> None:
        self.records.append(record)
        if len(self.records) >= ENOUGH:
            self.count()

    def count(self) -> None:
        """Those that are left, before the tally is read."""
        records, self.records = self.records, []
        self.tally.add(records)
