"""Field lines sorted: what is passed on, what is read, what is dropped. Remembered by their exact bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from proxy.core.http.doorkeeper import Doorkeeper

if TYPE_CHECKING:
    from collections.abc import Callable

    Apply = Callable[[Any, Any], None]

T = TypeVar("T")

MAX_KNOWN = 4096  # lines; with those over MAX_LINE left out, at most 6 MiB of a stranger's choosing
MAX_LINE = 512
MAX_NAMES = 1024  # spellings; with those over MAX_NAME left out, at most 150 KiB
MAX_NAME = 64
_IN_VALUES = bytes(code for code in range(256) if code == 9 or (code >= 32 and code != 127))
_BLANKS = b" \t\r\n"  # llhttp leaves them behind a value


class Reader(NamedTuple):
    """Of a field that is read: its value is prepared once per spelling, and applied to each head that has it.
    is_passed_on: all the same."""

    prepare: Callable[[bytes], Any]
    apply: Apply
    is_passed_on: bool = False


_UNKNOWN = Reader(bytes, lambda *_: None)  # in the place of the reader of a name never met


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
        self._read: dict[bytes, tuple[Apply, object, bytes]] = {}

    def sort(self, lines: list[bytes], head: object) -> list[bytes]:
        """lines: with their CRLF, each accepted by llhttp. Returns those that are passed on, as `name: value` and CRLF,
        with b"" in the place of the others. Readers are applied to `head` in order. Raises what they raise.

        Flat, because every new head passes here: divided, a new line cost 0.4 us more, of 1.1.
        """
        self.met_new = False
        find, reader_of, passed_on = self._plain.get, self._readers.get, []
        for line in lines:
            plain = find(line)
            if plain is None:
                name, _, value = line.partition(b":")
                if reader_of(name, _UNKNOWN) is None:
                    self.met_new = True
                    plain = b"".join((name, b": ", value.strip(_BLANKS), b"\r\n"))
                    if self._door.has_seen(line):
                        _remember(self._plain, line, plain)
                else:
                    plain = self._sort_read(line, head)
            passed_on.append(plain)
        return passed_on

    def _sort_read(self, line: bytes, head: object) -> bytes:
        """A line that is read, or that has a name never met."""
        meaning = self._read.get(line)
        if meaning is None:
            self.met_new = True
            reader, value, plain = self._take_apart(line)
            if reader is None:
                self._door.has_seen(line)
                return plain
            meaning = _remember(self._read, line, _meaning(reader, value, plain))
        apply, prepared, passed_on = meaning
        apply(head, prepared)
        return passed_on

    def pass_on(self, lines: list[bytes]) -> list[bytes] | None:
        """As `sort`, of lines that llhttp was not asked about: None unless it would surely accept each, and none is
        read. Of each the name is one that it has accepted, and the value has no byte that it refuses anywhere."""
        self.met_new = False
        find, reader_of, passed_on = self._plain.get, self._readers.get, []
        for line in lines:
            plain = find(line)
            if plain is None:
                self.met_new = True
                name, _, value = line.partition(b":")
                if reader_of(name, _UNKNOWN) is not None or value.translate(None, _IN_VALUES) != b"\r\n":
                    return None
                plain = b"".join((name, b": ", value.strip(_BLANKS), b"\r\n"))
                if self._door.has_seen(line):
                    _remember(self._plain, line, plain)
            passed_on.append(plain)
        return passed_on

    def _take_apart(self, line: bytes) -> tuple[Reader | None, bytes, bytes]:
        """How it is read, its value, and the line as we write it."""
        name, _, value = line.partition(b":")
        value = value.strip(_BLANKS)
        reader = self._readers.get(name, _UNKNOWN)
        if reader is _UNKNOWN:
            reader = self._learn(name)
        return reader, value, b"".join((name, b": ", value, b"\r\n"))

    def _learn(self, name: bytes) -> Reader | None:
        reader = self._find_reader(name.lower())
        if len(name) <= MAX_NAME:
            if len(self._readers) >= MAX_NAMES:
                self._readers.clear()
            self._readers[name] = reader
        return reader


def _meaning(reader: Reader, value: bytes, plain: bytes) -> tuple[Apply, object, bytes]:
    """What to apply to a head, and what is passed on."""
    prepare, apply, is_passed_on = reader
    return apply, prepare(value), plain if is_passed_on else b""


def _remember(known: dict[bytes, T], line: bytes, meaning: T) -> T:
    if len(line) <= MAX_LINE:
        if len(known) >= MAX_KNOWN:
            known.clear()
        known[line] = meaning
    return meaning


def without_named(lines: list[bytes], names: set[bytes]) -> list[bytes]:
    """Sorted lines, less the fields of these lower-case names."""
    return [line for line in lines if line.partition(b":")[0].lower() not in names]
