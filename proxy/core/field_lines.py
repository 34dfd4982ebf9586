"""Field lines sorted: what is passed on, what is read, what is dropped. Remembered by their exact bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from proxy.core.doorkeeper import Doorkeeper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # A field that is read: its value is prepared once per spelling, and applied to each head that has it.
    Reader = tuple[Callable[[bytes], Any], Callable[[Any, Any], None]]

T = TypeVar("T")

MAX_KNOWN = 4096  # lines; with those over MAX_LINE left out, at most 6 MiB of a stranger's choosing
MAX_LINE = 512


class FieldLines:
    """readers: by lower-case name, for the fields that are not passed on as they are.

    Clients and backends repeat nearly all of their lines from message to message, so that each is taken apart once:
    0.1 us for a known line against 0.6. One is remembered from its second time on; when too many are known all are
    forgotten, since a line is learnt so cheaply that choosing would cost more.
    met_new: the lines sorted last had one that was not known, so that their head as a whole cannot be known either.
    """

    __slots__ = ("_door", "_plain", "_read", "_readers", "met_new")

    def __init__(self, readers: Mapping[bytes, Reader]) -> None:
        self._readers = readers
        self._door = Doorkeeper()
        self._plain: dict[bytes, bytes] = {}
        self.met_new = False
        self._read: dict[bytes, tuple[Callable[[Any, Any], None], object]] = {}

    def sort(self, lines: list[bytes], head: object) -> list[bytes]:
        """lines: with their CRLF, each accepted by llhttp. Returns those that are passed on, as `name: value` and CRLF,
        with b"" in the place of the others, which are applied to `head`, in order. Raises what readers raise."""
        self.met_new = False
        passed_on: list[bytes] = list(map(self._plain.get, lines))  # type: ignore[arg-type] # None: see below
        for i, known in enumerate(passed_on):
            if known is None:
                meaning = self._read.get(lines[i])
                if meaning is None:
                    passed_on[i] = self._sort_new(lines[i], head)
                else:
                    apply, prepared = meaning
                    apply(head, prepared)
                    passed_on[i] = b""
        return passed_on

    def _sort_new(self, line: bytes, head: object) -> bytes:
        self.met_new = True
        name, _, value = line.partition(b":")
        value = value.strip(b" \t\r\n")  # llhttp leaves blanks behind a value
        reader = self._readers.get(name.lower())
        if reader is None:
            plain = b"".join((name, b": ", value, b"\r\n"))
            return _remember(self._plain, line, plain) if self._door.has_seen(line) else plain
        prepare, apply = reader
        prepared = prepare(value)
        _remember(self._read, line, (apply, prepared))
        apply(head, prepared)
        return b""


def _remember(known: dict[bytes, T], line: bytes, meaning: T) -> T:
    if len(line) <= MAX_LINE:
        if len(known) >= MAX_KNOWN:
            known.clear()
        known[line] = meaning
    return meaning


def without_named(lines: list[bytes], names: set[bytes]) -> list[bytes]:
    """Sorted lines, less the fields of these lower-case names."""
    return [line for line in lines if line.partition(b":")[0].lower() not in names]
