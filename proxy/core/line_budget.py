"""How many log lines a stranger can make us write."""

from __future__ import annotations


class LineBudget:
    """per_second: lines that may be written in any second of the clock; the others are counted.

    Writing a line takes about 30 us, and a log blocks when its disk or terminal does: a flood of bad requests must not
    become a flood of lines.
    """

    def __init__(self, per_second: int = 100) -> None:
        self._per_second = per_second
        self._second = -1
        self._left = 0
        self._suppressed = 0

    def spend(self, now: float) -> bool:
        """Whether a line may be written at `now`, in seconds of any clock that does not go back."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._left = self._per_second
        if self._left:
            self._left -= 1
            return True
        self._suppressed += 1
        return False

    def take_suppressed(self) -> int:
        """Lines left out since the last call: mention them in the next one that is written."""
        suppressed, self._suppressed = self._suppressed, 0
        return suppressed
