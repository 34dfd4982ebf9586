"""What a beanstalkd says to its client: bytes in, replies out."""

from __future__ import annotations

from typing import NamedTuple

_WITH_BODY = {b"RESERVED": 2, b"FOUND": 2, b"OK": 1}  # which word is its length


class Reply(NamedTuple):
    """words: of the line. body: of the job, where there is one."""

    words: list[bytes]
    body: bytes


class Replies:
    """Of one connection."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Reply]:
        """Those that are whole."""
        self._held += data
        found = []
        start = 0
        while (end := self._held.find(b"\r\n", start)) >= 0:
            words = bytes(self._held[start:end]).split(b" ")
            start_of_next = end + 2
            body = b""
            if (place := _WITH_BODY.get(words[0])) is not None:
                end = start_of_next + int(words[place])
                start_of_next = end + 2
                if len(self._held) < start_of_next:
                    break
                body = bytes(self._held[end - int(words[place]) : end])
            found.append(Reply(words, body))
            start = start_of_next
        del self._held[:start]
        return found
