"""Remembers what a head parsed to, by its exact bytes: clients and backends repeat themselves."""

from __future__ import annotations

from typing import Generic, TypeVar

from proxy.core.http.doorkeeper import Doorkeeper

Head = TypeVar("Head")

LARGEST = 4096  # bytes; with larger heads the bound on their number would be none on memory


class HeadCache(Generic[Head]):
    """A bounded map from the bytes of a fully checked head to the object made from them.

    Correct by construction: the same bytes always mean the same head. A head is kept from its second appearance on.
    Two generations of at most `limit` heads approximate least-recently-used without a write per hit.

    `hot` is public for the engine, which looks into it without a call: 0.15 us for 500 bytes, against 5 to parse them.
    """

    __slots__ = ("_cold", "_door", "_limit", "hot")

    def __init__(self, limit: int = 512) -> None:
        self.hot: dict[bytes, Head] = {}
        self._cold: dict[bytes, Head] = {}
        self._door = Doorkeeper()
        self._limit = limit

    def find(self, data: bytes) -> Head | None:
        """None if it is not known. One of the earlier generation becomes `hot` again."""
        head = self.hot.get(data)
        if head is None and data in self._cold:
            head = self._cold[data]
            self._store(data, head)
        return head

    def offer(self, data: bytes, head: Head) -> None:
        """Keeps `head` if these bytes were offered before."""
        if len(data) <= LARGEST and self._door.has_seen(data):
            self._store(data, head)

    def _store(self, data: bytes, head: Head) -> None:
        if len(self.hot) >= self._limit:
            self._cold.clear()
            self._cold.update(self.hot)
            self.hot.clear()  # the same object stays `hot`, since the engine holds on to its `get`
        self.hot[data] = head
