from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from proxy.serve.backends.child_output import MAX_LINE, ChildOutput


def feed_in_pieces(output: ChildOutput, data: bytes, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    lines = [line for start, end in pairwise(edges) for line in output.feed(data[start:end], 0.0)]
    return lines + output.end()


@given(st.lists(st.text("ab\té ", max_size=20), max_size=20), st.lists(st.integers(0, 1000)))
def test_any_split_gives_the_same_lines(lines: list[str], cuts: list[int]) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    assert feed_in_pieces(ChildOutput(), data, cuts) == lines


def test_last_line_may_lack_its_end_and_crlf_is_an_end() -> None:
    output = ChildOutput()
    assert output.feed(b"one\r\ntwo", 0.0) == ["one"]
    assert output.end() == ["two"]
    assert output.end() == []


def test_line_without_an_end_is_passed_on_in_pieces() -> None:
    output = ChildOutput()
    lines = [line for _ in range(100) for line in output.feed(b"x" * 1000, 0.0)]
    assert {len(line) for line in lines} == {MAX_LINE}
    assert sum(map(len, lines + output.end())) == 100_000


def test_long_line_that_comes_at_once_is_cut_too() -> None:
    assert [len(line) for line in ChildOutput().feed(b"x" * (MAX_LINE + 1) + b"\n", 0.0)] == [MAX_LINE, 1]


def test_bytes_that_are_no_text_do_not_fail() -> None:
    assert ChildOutput().feed(b"\xff\n", 0.0) == ["\N{REPLACEMENT CHARACTER}"]


def test_flood_is_dropped_counted_and_reported_once_a_second() -> None:
    output = ChildOutput(max_lines=2)
    assert output.feed(b"a\nb\nc\nd\n", 7.0) == ["a", "b"]
    assert output.feed(b"e\n", 7.9) == []
    assert output.feed(b"f\n", 8.0) == ["(3 lines dropped: more than 2 in a second)", "f"]
    assert output.feed(b"g\nh\n", 8.1) == ["g"]
    assert output.end() == ["(1 lines dropped: more than 2 in a second)"]
