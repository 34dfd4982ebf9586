"""Field lines sorted: what is passed on, what is read, what is dropped. Remembered by their exact bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from proxy.core.http.doorkeeper import Doorkeeper

if TYPE_CHECKING:
    from collections.abc import Callable

    # A field that is read: its value is prepared once per spelling, and applied to each head that has it; True says
    # that it is passed on all the same.
    Reader = tuple[Callable[[bytes], Any], Callable[[Any, Any], bool | None]]

T = TypeVar("T")

MAX_KNOWN = 4096  # lines; with those over MAX_LINE left out, at most 6 MiB of a stranger's choosing
MAX_LINE = 512
MAX_NAMES = 1024  # spellings; with those over MAX_NAME left out, at most 150 KiB
MAX_NAME = 64


class FieldLines:
    """find_reader: by lower-case name, for the fields that are not passed on as they are; None for the others. It may
    raise, as readers may.

    Clients and backends repeat nearly all of their lines from message to message, so that each is taken apart once:
    0.1 us for a known line against 0.6. One is remembered from its second time on; when too many are known all are
    forgotten, since a line is learnt so cheaply that choosing would cost more.
    met_new: the lines sorted last had one that was not known, so that their head as a whole cannot be known either.
    """

    __slots__ = ("_door", "_find_reader", "_plain", "_read", "_readers", "met_new")

    def __init__(self, find_reader: Callable[[bytes], Reader | None]) -> None:
        self._find_reader = find_reader
        self._readers: dict[bytes, Reader | None] = {}  # by spelling: most new lines have a known name
        self._door = Doorkeeper()
        self._plain: dict[bytes, bytes] = {}
        self.met_new = False
        self._read: dict[bytes, tuple[Callable[[Any, Any], bool | None], object, bytes]] = {}

    def sort(self, lines: list[bytes], head: object) -> list[bytes]:
        """lines: with their CRLF, each accepted by llhttp. Returns those that are passed on, as `name: value` and CRLF,
        with b"" in the place of the others. Readers are applied to `head` in order. Raises what they raise."""
        self.met_new = False
        find, sort_one = self._plain.get, self._sort_one
        return [find(line) or sort_one(line, head) for line in lines]

    def _sort_one(self, line: bytes, head: object) -> bytes:
        """A line that is read, or that is new."""
        meaning = self._read.get(line)
        if meaning is None:
            return self._sort_new(line, head)
        apply, prepared, plain = meaning
        return plain if apply(head, prepared) else b""

    def _sort_new(self, line: bytes, head: object) -> bytes:
        self.met_new = True
        name, _, value = line.partition(b":")
        value = value.strip(b" \t\r\n")  # llhttp leaves blanks behind a value
        try:
            reader = self._readers[name]
        except KeyError:
            reader = self._learn(name)
        plain = b"".join((name, b": ", value, b"\r\n"))
        if reader is None:
            return _remember(self._plain, line, plain) if self._door.has_seen(line) else plain
        prepare, apply = reader
        prepared = prepare(value)
        _remember(self._read, line, (apply, prepared, plain))
        return plain if apply(head, prepared) else b""

    def _learn(self, name: bytes) -> Reader | None:
        reader = self._find_reader(name.lower())
        if len(name) <= MAX_NAME:
            if len(self._readers) >= MAX_NAMES:
                self._readers.clear()
            self._readers[name] = reader
        return reader


def _remember(known: dict[bytes, T], line: bytes, meaning: T) -> T:
    if len(line) <= MAX_LINE:
        if len(known) >= MAX_KNOWN:
            known.clear()
        known[line] = meaning
    return meaning


def without_named(lines: list[bytes], names: set[bytes]) -> list[bytes]:
    """Sorted lines, less the fields of these lower-case names."""
    return [line for line in lines if line.partition(b":")[0].lower() not in names]
