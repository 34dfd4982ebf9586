from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.client.peer import Peer
from proxy.core.metrics.tally import Tally
from proxy.engine.access_log import MAX_RECORDS, RecordBuffer
from proxy.engine.measured import ENOUGH, MeasuredRecords

if TYPE_CHECKING:
    from proxy.core.access_log.record import Record


def record(records: RecordBuffer) -> Record:
    outcome = ("app", "127.0.0.1:1", 1, False, 200, 200, "ok")
    return records.new_client(Peer()), 1, None, (1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 1.5), outcome, 1, 2


def counted(tally: Tally) -> int:
    return sum(ended.count for ended in tally.take().ended)


def test_records_are_counted_when_there_are_enough_or_somebody_asks() -> None:
    tally = Tally()
    records = MeasuredRecords(tally)
    for _ in range(ENOUGH):
        records.add(record(records))
    records.add(record(records))
    assert len(records.records) == 1
    assert counted(tally) == ENOUGH
    records.count()
    assert counted(tally) == 1
    assert not records.records


def test_what_is_too_much_for_the_log_is_counted_all_the_same() -> None:
    tally = Tally()
    records = RecordBuffer(tally)
    for _ in range(MAX_RECORDS + 3):
        records.add(record(records))
    assert counted(tally) == records.dropped == 3
