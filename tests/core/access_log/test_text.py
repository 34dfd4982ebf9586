import json

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.core.access_log.text import (
    LONGEST,
    HeadTexts,
    Timestamps,
    escaped,
    field,
    quoted,
    shortened,
    word,
)
from tests.core.access_log.support import head


@given(st.binary())
@example(b'"\\\r\n\t\x00\xff\xc3\xa4\xed\xa0\x80')
def test_every_byte_string_makes_a_json_string_in_ascii(value: bytes) -> None:
    text = quoted(value)
    assert text.isascii()
    assert "\n" not in text
    assert isinstance(json.loads(text), str)


@given(st.text())
def test_json_keeps_what_is_utf_8(value: str) -> None:
    if value.isprintable():
        assert json.loads(quoted(value.encode())) == value


def test_json_shows_bytes_that_are_no_utf_8() -> None:
    assert json.loads(quoted(b"a\xff")) == "a\\xff"


@given(st.binary())
def test_nothing_ends_the_quotes_or_the_line(value: bytes) -> None:
    text = escaped(value)
    assert text.isascii()
    assert not set(text) & {'"', "\n", "\r", "\0", "\x7f", "\x1b"}
    assert text.replace("\\x", "").count("\\") == 0


@given(st.text())
def test_a_word_has_no_blank(value: str) -> None:
    assert set(word(value)).isdisjoint(' "\n\r\t')
    assert word(value)


def test_what_is_plain_stays_as_it_is() -> None:
    assert escaped(b"Mozilla/5.0 (X11; Linux) [x]") == "Mozilla/5.0 (X11; Linux) [x]"
    assert escaped(b'"\\\xc3\xa4\n') == "\\x22\\x5C\\xC3\\xA4\\x0A"
    assert word("unix:/run/my app") == "unix:/run/my\\x20app"
    assert word("") == "-"


def test_long_values_are_cut() -> None:
    assert shortened(b"x" * LONGEST) == b"x" * LONGEST
    assert shortened(b"x" * (LONGEST + 1)) == b"x" * LONGEST + b"..."


def test_queries_are_left_out_unless_they_are_wanted() -> None:
    request = head()
    without, whole = HeadTexts(query=False), HeadTexts(query=True)
    assert (without.target(request), without.referer(request)) == (b"/item", b"http://a/b")
    assert (whole.target(request), whole.referer(request)) == (b"/item?token=s", b"http://a/b?c=d")
    assert whole.user_agent(request) == b"curl/8"


def test_fields_are_found_in_any_case_and_only_whole() -> None:
    data = b"GET / HTTP/1.1\r\nX-User-Agent: no\r\nUSER-agent: Yes\r\nuser-agent: late\r\n"
    assert field(data, b"\r\nUser-Agent: ") == b"Yes"
    assert field(data, b"\r\nReferer: ") == b""
    assert field(b"GET / HTTP/1.1\r\nReferer: x\r\n", b"\r\nReferer: ") == b"x"


def test_timestamps() -> None:
    timestamps = Timestamps()
    assert timestamps.rfc3339(1_795_000_000.0) == "2026-11-18T11:06:40.000Z"
    assert timestamps.rfc3339(1_795_000_000.9999) == "2026-11-18T11:06:40.999Z"
    assert timestamps.rfc3339(1_795_000_001.25) == "2026-11-18T11:06:41.250Z"
    assert timestamps.apache(1_795_000_000.9) == "18/Nov/2026:11:06:40 +0000"
    assert timestamps.apache(951_782_399.0) == "28/Feb/2000:23:59:59 +0000"
