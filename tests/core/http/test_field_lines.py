from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.http.field_lines import MAX_KNOWN, MAX_LINE, MAX_NAME, MAX_NAMES, FieldLines, Reader, without_named

SEEN: list[tuple[object, object]] = []


def note(head: object, value: object) -> None:
    SEEN.append((head, value))


@pytest.fixture
def fields() -> FieldLines:
    SEEN.clear()
    return FieldLines({b"length": Reader(int, note), b"x-drop": Reader(bytes, lambda *_: None)}.get)


def test_unknown_fields_are_passed_on_and_others_are_read(fields: FieldLines) -> None:
    for _ in range(2):  # learnt, then known
        SEEN.clear()
        assert fields.sort([b"A:1\r\n", b"LENGTH: 12 \r\n", b"b: \t2 \r\n", b"X-Drop: x\r\n"], "head") == [
            b"A: 1\r\n", b"", b"b: 2\r\n", b""
        ]  # fmt: skip
        assert SEEN == [("head", 12)]


def test_a_value_that_cannot_be_prepared_raises_every_time(fields: FieldLines) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            fields.sort([b"length: x\r\n"], None)


def test_a_reader_may_pass_its_field_on() -> None:
    fields = FieldLines({b"once": Reader(bytes, lambda *_: None, is_passed_on=True)}.get)
    for _ in range(2):
        assert fields.sort([b"ONCE:  x\r\n"], None) == [b"ONCE: x\r\n"]


def test_names_are_asked_about_once_and_their_number_is_bounded() -> None:
    asked = []
    fields = FieldLines(asked.append)
    for value in (b"1", b"2"):
        fields.sort([b"Name: " + value], None)
    assert asked == [b"name"]
    for number in range(2 * MAX_NAMES):
        fields.sort([b"n%d: 1" % number], None)
    fields.sort([b"n" * (MAX_NAME + 1) + b": 1"] * 2, None)
    assert len(fields._readers) <= MAX_NAMES


def test_what_is_known_is_bounded(fields: FieldLines) -> None:
    def known() -> int:
        return len(fields._plain) + len(fields._read)

    for number in range(MAX_KNOWN + 10):
        fields.sort([b"a: %d\r\n" % number, b"length: %d\r\n" % number], None)
        assert known() <= 2 * MAX_KNOWN
    size = known()
    for line in (b"b: " + b"x" * MAX_LINE + b"\r\n", b"x-drop: " + b"x" * MAX_LINE + b"\r\n"):
        assert b"".join(fields.sort([line], None)) in (line, b"")
    assert known() == size


def test_a_new_line_is_told_until_it_is_known(fields: FieldLines) -> None:
    told = []
    for _ in range(3):
        fields.sort([b"a: 1\r\n", b"length: 2\r\n"], None)
        told.append(fields.met_new)
    assert told == [True, True, False]


LINES = st.lists(
    st.sampled_from([b"A: 1\r\n", b"a:2\r\n", b"B: 3\r\n", b"length: 4\r\n", b"x-drop: 5\r\n"]), max_size=8
)


@given(st.lists(LINES, max_size=5))
def test_memory_changes_nothing(heads: list[list[bytes]]) -> None:
    remembering = FieldLines({b"length": Reader(int, note)}.get)
    for lines in heads:
        assert remembering.sort(lines, None) == FieldLines({b"length": Reader(int, note)}.get).sort(lines, None)


@given(
    LINES,
    st.lists(st.sampled_from([b"A: 1\r\n", b"B:  2 \r\n", b"c: 3\r\n", b"length: 4\r\n", b"A: \r\n"]), max_size=4),
)
def test_lines_that_nobody_judged_pass_as_if_they_were(before: list[bytes], lines: list[bytes]) -> None:
    fields = FieldLines({b"length": Reader(int, note)}.get)
    fields.sort(before, None)
    passed_on = fields.pass_on(lines)
    if passed_on is not None:
        assert passed_on == FieldLines({b"length": Reader(int, note)}.get).sort(lines, None)
        assert fields.met_new or not set(lines) - set(before)


@pytest.mark.parametrize(
    "line",
    [b"A: \x00\r\n", b"A: \x7f\r\n", b"A: 1\n", b"A: 1\r", b" A: 1\r\n", b"length: 1\r\n", b"B: 1\r\n", b"A\r\n"],
)
def test_lines_that_could_be_refused_or_are_read_are_not_passed_on_unjudged(line: bytes, fields: FieldLines) -> None:
    fields.sort([b"A: 1\r\n", b"length: 1\r\n"], None)
    assert fields.pass_on([b"A: 2\r\n"]) == [b"A: 2\r\n"]
    assert fields.pass_on([b"A: 2\r\n", line]) is None


def test_named_fields_are_left_out_in_any_case() -> None:
    lines = [b"X-Hop: 1\r\n", b"x-hop: 2\r\n", b"X-Hopper: 3\r\n"]
    assert without_named(lines, {b"x-hop"}) == [b"X-Hopper: 3\r\n"]
