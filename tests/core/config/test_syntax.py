"""tomllib's messages are no contract: each that is reworded is provoked here, so a Python that changes one shows."""

import tomllib

import pytest

from proxy.core.config.syntax import explain

NO_KEY = "a key is missing here, or it needs quotes; between { and } no line may end, and no comma comes last"
SYNTAX = [
    ("a = 30s", 1, 7, "something is left over after the value, or text lacks its quotes", 'a = "30s"'),
    ("a = http # why", 1, 5, "a value is missing here, or text lacks its quotes", 'a = "http"'),
    ("a =", 1, 4, "a value is missing here, or text lacks its quotes", ""),
    (
        "listen = 0.0.0.0:80",
        1,
        13,
        "something is left over after the value, or text lacks its quotes",
        'listen = "0.0.0.0:80"',
    ),
    ("a\n", 1, 2, 'a key must be followed by "=" and a value', ""),
    ("\n= 1", 2, 1, "a line must be a [table], a key = value, or a # comment", ""),
    ("a. = 1", 1, 4, NO_KEY, ""),
    ("[a", 1, 3, 'the table header is not closed: "]" is missing', ""),
    ("[[a]\n", 1, 4, 'the table header is not closed: "]]" is missing', ""),
    ("[a]\n[b]\n  [a]", 3, 3, "this table was begun before: put all its keys under one header", ""),
    ("[a.b]\n[a]\nb.c = 1", 3, 1, "this table was begun before: put all its keys under one header", ""),
    ("a = []\n[[a]]", 2, 1, "this table or array was written in full before and cannot be extended here", ""),
    ("a = 1\n\n a = 2", 3, 2, "this key was given before", ""),
    ("a = {b=1, b=2}", 1, 1, "this key was given before", ""),
    ("a = [1\nb = 2", 2, 1, 'the array is not closed: "]" is missing, or a comma between two items', ""),
    ("a = {b=1", 1, 9, 'the table is not closed: "}" is missing, or a comma between two keys', ""),
    ('a = """x', 1, 9, "the text is not closed: a quote is missing at its end", ""),
    ("a = 'x", 1, 7, "the text is not closed: a quote is missing at its end", ""),
    ('a = "x\nb = 1', 1, 7, "the text is not closed: a quote is missing at the end of the line", ""),
    ('a = "\\x"', 1, 8, "a backslash in \"text\" is written twice; or use 'single quotes'", ""),
    ("a = 2020-02-30", 1, 5, "there is no such date", ""),
    ("a = 1 \x01", 1, 7, "something is left over after the value, or text lacks its quotes", ""),
    ("a = '\x01'", 1, 6, "there is an invisible control character here", ""),
    ('a = "\x01"', 1, 6, "there is an invisible control character here", ""),
    ('a = "\\u12"', 1, 8, r"\u is followed by four hexadecimal digits, \U by eight", ""),
    ('a = "\\uD800"', 1, 12, "this is not TOML, the format of configuration files", ""),
    ("a = {b = 1,}", 1, 12, NO_KEY, ""),
    ("# only\na.b = 1\na.b.c = 2\n\n", 3, 1, "this key was given before", ""),
    ("a = [1,\n\n\n", 1, 8, "a value is missing here, or text lacks its quotes", ""),
]


@pytest.mark.parametrize(("text", "line", "column", "message", "example"), SYNTAX)
def test_syntax_errors(text: str, line: int, column: int, message: str, example: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    mark, finding = explain(caught.value, text)
    assert (*mark, finding.message, finding.example) == (line, column, message, example)


def test_an_integer_too_long_for_python() -> None:
    text = "a = " + "1" * 5000
    with pytest.raises(ValueError, match="digits") as caught:
        tomllib.loads(text)
    mark, finding = explain(caught.value, text)
    assert (mark, finding.message) == ((1, 5005), "this is not TOML, the format of configuration files")
