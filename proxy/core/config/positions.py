"""Where each key and value of a TOML text stands, which tomllib does not tell.

It reads only text that tomllib accepted, so it checks nothing and needs to know no more of TOML than where things end.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import NamedTuple

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'  # a multi-line string may end in up to two quotes of its own
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]+")  # numbers, booleans, and dates, which may have a space inside


class Mark(NamedTuple):
    """Both count from 1; a column is a character, not a byte and not a screen cell."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Place:
    """A table's value begins where its key does, or at its "{"."""

    key: Mark
    value: Mark


class Positions:
    """The places of one text. A path that is not in it stands where its nearest parent stands, the top at line 1."""

    def __init__(self, places: dict[Path, Place]) -> None:
        self._places = {(): Place(Mark(1, 1), Mark(1, 1)), **places}

    def __contains__(self, path: Path) -> bool:
        return path in self._places

    def key(self, path: Path) -> Mark:
        return self._nearest(path).key

    def value(self, path: Path) -> Mark:
        return self._nearest(path).value

    def _nearest(self, path: Path) -> Place:
        while path not in self._places:
            path = path[:-1]
        return self._places[path]


def locate(text: str) -> Positions:
    """text: accepted by `tomllib.loads`; on anything else the result is undefined. Raises RecursionError as tomllib."""
    return Positions(_Scanner(text.replace("\r\n", "\n")).scan())


class _Scanner:
    __slots__ = ("_at", "_lengths", "_line", "_line_start", "_marked", "_places", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._marked = 0  # lines are counted up to here: marks come in rising order, so the whole costs one pass
        self._line = 1
        self._line_start = 0
        self._places: dict[Path, Place] = {}
        self._lengths: dict[Path, int] = {}  # of the arrays of tables met so far

    def scan(self) -> dict[Path, Place]:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._peek("["):
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._places

    def _header(self) -> Path:
        is_array = self._peek("[[")
        self._at += 1 + is_array
        keys = self._keys()
        self._at += 1 + is_array
        path = self._note_parents((), keys)
        key, mark = keys[-1]
        if not is_array:
            path = self._into_last((*path, key))
            self._places[path] = Place(mark, mark)
            return path
        return self._append_table((*path, key), mark)

    def _append_table(self, array: Path, mark: Mark) -> Path:
        index = self._lengths.get(array, 0)
        self._lengths[array] = index + 1
        self._places.setdefault(array, Place(mark, mark))
        self._places[*array, index] = Place(mark, mark)
        return (*array, index)

    def _pair(self, table: Path) -> None:
        keys = self._keys()
        self._at += 1  # =
        self._skip(_SPACE)
        key, mark = keys[-1]
        self._value((*self._note_parents(table, keys), key), mark)

    def _note_parents(self, path: Path, keys: list[tuple[str, Mark]]) -> Path:
        """The path of all keys but the last, entered with the place of its first mention."""
        for key, mark in keys[:-1]:
            path = self._into_last((*path, key))
            self._places.setdefault(path, Place(mark, mark))
        return path

    def _into_last(self, path: Path) -> Path:
        """[a.b] after [[a]] means the latest a."""
        return (*path, self._lengths[path] - 1) if path in self._lengths else path

    def _keys(self) -> list[tuple[str, Mark]]:
        keys = []
        while True:
            self._skip(_SPACE)
            mark = self._mark()
            keys.append((self._key(), mark))
            self._skip(_SPACE)
            if not self._peek("."):
                return keys
            self._at += 1

    def _key(self) -> str:
        if self._peek('"') or self._peek("'"):
            quoted: str = tomllib.loads(f"key = {self._skip(_STRING)}")["key"]  # it knows the escapes
            return quoted
        return self._skip(_BARE_KEY)

    def _value(self, path: Path, key: Mark | None = None) -> None:
        mark = self._mark()
        self._places[path] = Place(key or mark, mark)  # an item of an array has no key of its own
        if self._peek("["):
            self._array(path)
        elif self._peek("{"):
            self._inline_table(path)
        else:
            self._skip(_STRING if self._peek('"') or self._peek("'") else _PLAIN)

    def _array(self, path: Path) -> None:
        index = 0
        while self._next_item("]"):
            self._value((*path, index))
            index += 1

    def _inline_table(self, path: Path) -> None:
        while self._next_item("}"):
            self._pair(path)

    def _next_item(self, end: str) -> bool:
        """Steps over the opening bracket or the comma, and over the end if that comes next."""
        self._skip(_BLANK)
        if not self._peek(end):
            self._at += 1
            self._skip(_BLANK)
        if self._peek(end):
            self._at += 1
            return False
        return True

    def _peek(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        assert match, f"tomllib accepted what this does not know at character {self._at}"
        self._at = match.end()
        return match[0]

    def _mark(self) -> Mark:
        if newlines := self._text.count("\n", self._marked, self._at):
            self._line += newlines
            self._line_start = self._text.rindex("\n", 0, self._at) + 1
        self._marked = self._at
        return Mark(self._line, self._at - self._line_start + 1)
