"""The output of a child as lines that are bounded in length and in number per second."""

from __future__ import annotations

MAX_LINE = 4096  # bytes; what is longer is passed on in pieces
MAX_LINES_PER_SECOND = 1000  # a flood would bury the lines of everybody else, and formatting it would take our CPU


class ChildOutput:
    """Bytes in, lines out, without I/O. `now` is any clock that does not go back."""

    def __init__(self, max_lines: int = MAX_LINES_PER_SECOND) -> None:
        self._max_lines = max_lines
        self._rest = b""
        self._second = 0
        self._passed = 0
        self._dropped = 0

    def feed(self, data: bytes, now: float) -> list[str]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        found = [piece for line in lines for piece in _pieces(line)]
        while len(self._rest) >= MAX_LINE:
            found.append(self._rest[:MAX_LINE])
            self._rest = self._rest[MAX_LINE:]
        return self._admit(found, now)

    def end(self) -> list[str]:
        """The line without an end, and how many were dropped last."""
        rest, self._rest = self._rest, b""
        return [*self._report_dropped(), *([_text(rest)] if rest else [])]

    def _admit(self, lines: list[bytes], now: float) -> list[str]:
        report: list[str] = []
        if int(now) != self._second:
            self._second, self._passed = int(now), 0
            report = self._report_dropped()
        admitted = lines[: self._max_lines - self._passed]
        self._passed += len(admitted)
        self._dropped += len(lines) - len(admitted)
        return [*report, *map(_text, admitted)]

    def _report_dropped(self) -> list[str]:
        count, self._dropped = self._dropped, 0
        return [f"({count} lines dropped: more than {self._max_lines} in a second)"] if count else []


def _pieces(line: bytes) -> list[bytes]:
    return [line[start : start + MAX_LINE] for start in range(0, len(line), MAX_LINE)] or [b""]


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
