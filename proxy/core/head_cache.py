"""Remembers what a head parsed to, by its exact bytes: clients and backends repeat themselves."""

from __future__ import annotations

from typing import Generic, TypeVar

Head = TypeVar("Head")

LARGEST = 4096  # bytes; with larger heads the bound on their number would be none on memory


class HeadCache(Generic[Head]):
    """A bounded map from the bytes of a fully checked head to the object made from them.

    Correct by construction: the same bytes always mean the same head. A head is kept from its second appearance on, so
    that clients whose requests all differ cost one set entry each and no memory; until then `seen` holds its hash.
    Two generations of at most `limit` heads approximate least-recently-used without a write per hit.

    `hot` is public for the engine, which looks into it without a call: 0.15 us for 500 bytes, against 5 to parse them.
    """

    __slots__ = ("_cold", "_limit", "_seen", "hot")

    def __init__(self, limit: int = 512) -> None:
        self.hot: dict[bytes, Head] = {}
        self._cold: dict[bytes, Head] = {}
        self._seen: set[int] = set()
        self._limit = limit

    def find_cold(self, data: bytes) -> Head | None:
        """The head of an earlier generation, moved to `hot`; None if it is not known."""
        head = self._cold.get(data)
        if head is not None:
            self._store(data, head)
        return head

    def offer(self, data: bytes, head: Head) -> None:
        """Keeps `head` if these bytes were offered before."""
        if len(data) > LARGEST:
            return
        fingerprint = hash(data)
        if fingerprint in self._seen:
            self._store(data, head)
        else:
            if len(self._seen) >= 4 * self._limit:
                self._seen.clear()
            self._seen.add(fingerprint)

    def _store(self, data: bytes, head: Head) -> None:
        if len(self.hot) >= self._limit:
            self._cold.clear()
            self._cold.update(self.hot)
            self.hot.clear()  # the same object stays `hot`, since the engine holds on to its `get`
        self.hot[data] = head
