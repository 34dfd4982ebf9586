"""What tomllib says about text that is not TOML, said for somebody who does not know TOML's grammar."""

import re

from proxy.core.config.positions import Mark
from proxy.core.config.problem import Finding

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_UNQUOTED = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*=\s*([A-Za-z0-9_:/.@-]+)\s*(#.*)?")
_NO_QUOTES = "text lacks its quotes"
_NO_KEY = "a key is missing here, or it needs quotes; between { and } no line may end, and no comma comes last"
_INVISIBLE = "there is an invisible control character here"
_WORDINGS = {  # the beginning of tomllib's message -> ours
    "Invalid value": f"a value is missing here, or {_NO_QUOTES}",
    "Expected newline or end of document": f"something is left over after the value, or {_NO_QUOTES}",
    "Expected '=' after a key": 'a key must be followed by "=" and a value',
    "Invalid statement": "a line must be a [table], a key = value, or a # comment",
    "Invalid initial character for a key": _NO_KEY,
    "Expected ']' at the end": 'the table header is not closed: "]" is missing',
    "Expected ']]' at the end": 'the table header is not closed: "]]" is missing',
    "Cannot declare": "this table was begun before: put all its keys under one header",
    "Cannot redefine": "this table was begun before: put all its keys under one header",
    "Cannot mutate": "this table or array was written in full before and cannot be extended here",
    "Cannot overwrite": "this key was given before",
    "Duplicate inline table key": "this key was given before",
    "Unclosed array": 'the array is not closed: "]" is missing, or a comma between two items',
    "Unclosed inline table": 'the table is not closed: "}" is missing, or a comma between two keys',
    "Unterminated string": "the text is not closed: a quote is missing at its end",
    'Expected "\'"': "the text is not closed: a quote is missing at its end",
    "Illegal character '\\n'": "the text is not closed: a quote is missing at the end of the line",
    "Unescaped '\\": "a backslash in \"text\" is written twice; or use 'single quotes'",
    "Invalid hex value": "\\u is followed by four hexadecimal digits, \\U by eight",
    "Illegal character": _INVISIBLE,
    "Found invalid character": _INVISIBLE,
    "Invalid date": "there is no such date",
}
_WHOLE_LINE = ("Cannot ", "Duplicate ")  # tomllib notices these when the statement is over, so its column says nothing


def explain(error: ValueError, text: str) -> tuple[Mark, Finding]:
    """error: what `tomllib.loads(text)` raised."""
    match = _PLACE.search(str(error))
    lines = text.split("\n")
    mark = Mark(int(match[1]), int(match[2])) if match and match[1] else _end(lines)
    line = lines[mark.line - 1]
    if str(error).startswith(_WHOLE_LINE):
        mark = Mark(mark.line, len(line) - len(line.lstrip()) + 1)
    message = _wording(str(error))
    return mark, Finding(path=(), message=message, example=_quoted(line) if message.endswith(_NO_QUOTES) else "")


def _end(lines: list[str]) -> Mark:
    """The last line that says something: the fault is there, not in the empty ones after it."""
    number = max((n for n, line in enumerate(lines, 1) if line.strip()), default=1)
    return Mark(number, len(lines[number - 1].rstrip()) + 1)


def _wording(message: str) -> str:
    return next(
        (ours for theirs, ours in _WORDINGS.items() if message.startswith(theirs)),
        "this is not TOML, the format of configuration files",
    )


def _quoted(line: str) -> str:
    """The line as it was most likely meant: `idle = 30s` lacks quotes."""
    match = _UNQUOTED.fullmatch(line.rstrip("\r"))
    return f'{match[1]} = "{match[2]}"' if match else ""
