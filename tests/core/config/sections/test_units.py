from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.config.sections import units
from proxy.core.config.sections.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("1d", 86400.0),
        ("1.5s", 1.5),
        (2, 2.0),
        (0.5, 0.5),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    parsed = parse_duration(text)
    assert parsed == seconds
    assert type(parsed) is float


def test_an_idle_timeout_may_be_longer() -> None:
    assert parse_duration("2d", longest=units.LONGEST_IDLE) == 172800.0


@pytest.mark.parametrize(
    "value", ["", "s", "-1s", "+1s", "1 s", "1S", "1h30m", "1e3s", "٣s", True, False, None, [], "nan"]
)
def test_what_is_no_duration(value: object) -> None:
    with pytest.raises(ValueError, match="is not a duration: write a number and ms, s, m, h or d"):
        parse_duration(value)


def test_a_bare_number_in_quotes_lacks_its_unit() -> None:
    with pytest.raises(ValueError, match='"30" has no unit: write "30s" for seconds'):
        parse_duration("30")


@pytest.mark.parametrize("value", [0, 0.0, "0s", -1, nan, -inf])
def test_durations_are_longer_than_nothing(value: object) -> None:
    with pytest.raises(ValueError, match="is too short: a duration must be longer than 0"):
        parse_duration(value)


@pytest.mark.parametrize("value", ["2d", 86401, inf, 10**400, "999999999999999d"])
def test_durations_have_an_end(value: object) -> None:
    with pytest.raises(ValueError, match="is too long: at most 1d is allowed here"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("text", "size"),
    [("16KiB", 16384), ("2MiB", 2 << 20), ("1GiB", 1 << 30), ("7B", 7), ("0", 0), (0, 0), (4096, 4096)],
)
def test_sizes(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("value", ["", "KiB", "-1KiB", "1.5KiB", "1  KiB", "12", "1TiB", 1.0, nan, True, None, []])
def test_what_is_no_size(value: object) -> None:
    with pytest.raises(ValueError, match=r"is not a size: write a number and B, KiB, MiB or GiB, like "):
        parse_size(value)


@pytest.mark.parametrize(
    ("value", "advice"), [("64k", "64KiB"), ("16KB", "16KiB"), ("2mb", "2MiB"), ("1kib", "1KiB"), ("1 KiB", "1KiB")]
)
def test_other_ways_to_write_a_size_are_put_right(value: str, advice: str) -> None:
    with pytest.raises(ValueError, match=f'sizes count in powers of 1024, write "{advice}"'):
        parse_size(value)


def test_sizes_have_limits() -> None:
    with pytest.raises(ValueError, match="-1 is too small: a size cannot be negative"):
        parse_size(-1)
    with pytest.raises(ValueError, match='"1025GiB" is too large: at most 1024GiB is allowed'):
        parse_size("1025GiB")


def test_a_range_of_sizes() -> None:
    assert units.check_size_range(1024, 1024, 2048) == 1024
    with pytest.raises(ValueError, match="1023B is out of range: from 1KiB to 2KiB is allowed here"):
        units.check_size_range(1023, 1024, 2048)


@given(st.integers(1, 86_400_000))
def test_a_duration_reads_as_it_is_shown(milliseconds: int) -> None:
    text = format_duration(milliseconds / 1000)
    assert parse_duration(text) == pytest.approx(milliseconds / 1000, rel=1e-9)


@given(st.integers(0, units.LARGEST))
def test_a_size_reads_as_it_is_shown(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("value", "text"), [("a", '"a"'), (True, "true"), (1.5, "1.5"), ([1], "an array"), ({}, "a table")]
)
def test_values_are_shown_as_toml_has_them(value: object, text: str) -> None:
    assert units.show(value) == text
