"""Who came before: keeps one-time visitors out of a cache."""

from __future__ import annotations

_PLACES = 4096


class Doorkeeper:
    """Remembers the last few thousand keys by one byte each, in 4 KiB, so that a cache holds what comes twice only.

    Without it a client whose requests all differ fills the caches with what is never asked for again: that cost 1 us of
    14 per request, in memory touched for the first time and freed again. A mark may be another key's (1 in 256), or be
    written over by one: then something is kept too early or too late, which does no harm.
    Source: the doorkeeper of TinyLFU (Einziger, Friedman, Manes 2017), with marks instead of a Bloom filter.
    """

    __slots__ = ("_marks",)

    def __init__(self) -> None:
        self._marks = bytearray(_PLACES)

    def has_seen(self, key: bytes) -> bool:
        """Whether `key` came before, about; from now on it has. Python seeds the hash, so nobody can aim at a place."""
        fingerprint = hash(key)
        place = fingerprint % _PLACES
        mark = fingerprint >> 12 & 0xFF
        if self._marks[place] == mark:
            return True
        self._marks[place] = mark
        return False
