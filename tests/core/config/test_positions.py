import re
import tomllib
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.config.positions import Mark, Path, locate

EVERYTHING = '''\
# comment with "quotes" and [brackets]
top = 1 # after a value
"quoted key" = 'a # b'
dotted . "inner.dots" .end = true
multi = """
one "two" \\""" # no comment
"""""
literal = \'\'\'it''s
[not.a.header]
x = 2\'\'\'\'
when = 1979-05-27 07:32:00
array = [ # comment ]
    1, [2, "]"],
    { in = "line", deep = { er = [3] } }, # comment
]
empty = []
none = {}
"esc\\u0061pe" = "a\\"b"

[a.b.c]
x = 1
[a]
y = 2
[[list]]
n = 1
[list.sub]
m = 2
[[list.more]]
[[list.more]]
p.q = 4
[[list]]
 [ list . sub ]
\tm = 3
'''


def all_paths(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from all_paths(item, (*path, key))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_path_of_tomllib_is_found(newline: str) -> None:
    text = EVERYTHING.replace("\n", newline)
    positions = locate(text)
    missing = [path for path, _ in all_paths(tomllib.loads(text)) if path not in positions]
    assert not missing


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), (1, 1), (1, 1)),
        (("top",), (2, 1), (2, 7)),
        (("quoted key",), (3, 1), (3, 16)),
        (("dotted",), (4, 1), (4, 1)),
        (("dotted", "inner.dots"), (4, 10), (4, 10)),
        (("dotted", "inner.dots", "end"), (4, 24), (4, 30)),
        (("multi",), (5, 1), (5, 9)),
        (("when",), (11, 1), (11, 8)),
        (("array",), (12, 1), (12, 9)),
        (("array", 0), (13, 5), (13, 5)),
        (("array", 1, 1), (13, 12), (13, 12)),
        (("array", 2), (14, 5), (14, 5)),
        (("array", 2, "deep", "er", 0), (14, 35), (14, 35)),
        (("array", 2, "deep"), (14, 20), (14, 27)),
        (("escape",), (18, 1), (18, 17)),
        (("a",), (22, 2), (22, 2)),  # its own header, not the first mention
        (("a", "b"), (20, 4), (20, 4)),
        (("a", "b", "c", "x"), (21, 1), (21, 5)),
        (("list",), (24, 3), (24, 3)),
        (("list", 0), (24, 3), (24, 3)),
        (("list", 0, "sub", "m"), (27, 1), (27, 5)),
        (("list", 0, "more", 1, "p", "q"), (30, 3), (30, 7)),
        (("list", 1), (31, 3), (31, 3)),
        (("list", 1, "sub"), (32, 11), (32, 11)),
        (("list", 1, "sub", "m"), (33, 2), (33, 6)),
    ],
)
def test_places(path: Path, key: tuple[int, int], value: tuple[int, int]) -> None:
    positions = locate(EVERYTHING)
    assert (positions.key(path), positions.value(path)) == (Mark(*key), Mark(*value))


def test_an_unknown_path_stands_where_its_parent_stands() -> None:
    positions = locate("[a]\nb = 1\n")
    assert positions.value(("a", "b", 0)) == Mark(2, 5)
    assert positions.key(("a", "x", "y")) == Mark(1, 2)
    assert positions.key(("z",)) == Mark(1, 1)


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "a = 1", "a=[]", "[a]"])
def test_small_documents(text: str) -> None:
    assert all(path in locate(text) for path, _ in all_paths(tomllib.loads(text)))


QUOTES = [
    "{}",
    '"{}"',
    "'{}'",
    '"""{}"""',
    "'''{}'''",
    '"""\n{}"""',
    "'''\n{}\n'''",
    '"""{}\\\n  x"""',
    '"\\u0041\\"{}#"',
    "[{}]",
]
GAPS = st.sampled_from(["", " ", "\t ", "\n", "\n  ", " # ],}\n", "\r\n"])
SPACES = st.sampled_from(["", " ", "  ", "\t"])


class Writer:
    """Writes TOML in which every key and every leaf has a number of its own, so that a search tells where it stands."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.numbers = count(10_000)

    def document(self) -> str:
        lines = [self.pair() for _ in range(self.draw(st.integers(0, 3)))]
        for _ in range(self.draw(st.integers(0, 3))):
            lines += self.table()
        return self.draw(st.sampled_from(["\n", "\r\n"])).join(lines)

    def table(self) -> list[str]:
        name, is_array = self.keys(), self.draw(st.booleans())
        header = f"[[{name}]]" if is_array else f"[{name}]"
        lines = [header, self.pair(), f"[{name}.{self.keys()}] # sub", self.pair()]
        return lines + ([header, self.pair()] if is_array else [])

    def pair(self) -> str:
        return f"{self.keys()}{self.draw(SPACES)}={self.draw(SPACES)}{self.value(2)}{self.draw(SPACES)}"

    def keys(self) -> str:
        return f"{self.draw(SPACES)}.{self.draw(SPACES)}".join(self.key() for _ in range(self.draw(st.integers(1, 3))))

    def key(self) -> str:
        return self.draw(st.sampled_from(["k{}", '"k {}"', "'k.{}'", '"\\u006b{}"', "{}"])).format(next(self.numbers))

    def value(self, depth: int) -> str:
        kind = self.draw(st.sampled_from(["leaf", "array", "table"])) if depth else "leaf"
        if kind == "array":
            return self.array(depth - 1)
        return self.leaf() if kind == "leaf" else self.inline_table()

    def leaf(self) -> str:
        return self.draw(st.sampled_from(QUOTES)).format(next(self.numbers))

    def array(self, depth: int) -> str:
        items = [self.draw(GAPS) + self.value(depth) + self.draw(GAPS) for _ in range(self.draw(st.integers(0, 3)))]
        comma = "," + self.draw(GAPS) if items and self.draw(st.booleans()) else ""
        return f"[{','.join(items)}{comma}{self.draw(GAPS)}]"

    def inline_table(self) -> str:
        pairs = [f"{self.keys()}={self.leaf()}{self.draw(SPACES)}" for _ in range(self.draw(st.integers(0, 3)))]
        return f"{{{self.draw(SPACES)}{','.join(pairs)}}}"


@st.composite
def documents(draw: st.DrawFn) -> str:
    return Writer(draw).document()


def text_from(text: str, mark: Mark) -> str:
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join([lines[mark.line - 1][mark.column - 1 :], *lines[mark.line :]])


@pytest.mark.slow
@settings(deadline=None)  # the first draw of such a document is slow, and time is not what is tested
@given(documents())
def test_every_value_stands_where_its_number_stands(text: str) -> None:
    positions = locate(text)
    for path, value in all_paths(tomllib.loads(text)):
        assert path in positions
        if isinstance(value, (str, int)):
            number = re.search(r"\d{5}", str(value))
            assert number
            assert re.match(rf"""["']{{0,3}}\n?(\\u0041\\")?{number[0]}""", text_from(text, positions.value(path)))


@pytest.mark.slow
@settings(deadline=None)  # the first draw of such a document is slow, and time is not what is tested
@given(documents())
def test_every_key_stands_where_its_number_stands(text: str) -> None:
    positions = locate(text)
    for path, _ in all_paths(tomllib.loads(text)):
        if path and isinstance(path[-1], str):
            number = path[-1][-5:]
            assert re.match(rf"""["']?(k|\\u006b)?[ .]?{number}""", text_from(text, positions.key(path)))
