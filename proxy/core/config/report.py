"""Problems as people read them, and as programs do."""

import json
from collections.abc import Iterable

from proxy.core.config.problem import ConfigProblem, show_path


def render_problems(problems: Iterable[ConfigProblem]) -> str:
    """Several lines per problem, an empty line between two; ends in a newline unless there are none."""
    return "\n".join(_render(problem) for problem in problems)


def problems_as_json(problems: Iterable[ConfigProblem]) -> str:
    """One JSON object per line."""
    return "".join(json.dumps(problem_as_dict(problem), ensure_ascii=False) + "\n" for problem in problems)


def _render(problem: ConfigProblem) -> str:
    lines = [_headline(problem)]
    if problem.source_line:
        lines += [f"  {problem.source_line}", f"  {_caret_line(problem)}"]
    if problem.example:
        lines.append(f"for example: {problem.example}")
    return "\n".join(map(_visible, lines)) + "\n"


def _visible(line: str) -> str:
    """Control characters would move the cursor, or worse; one sign for one keeps the caret in place."""
    return "".join(char if char.isprintable() or char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in line)


def _headline(problem: ConfigProblem) -> str:
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    severity = "warning: " if problem.severity == "warning" else ""
    hint = f"; {problem.hint}" if problem.hint else ""
    return f"{place}: {severity}{problem.message}{hint}"


def _caret_line(problem: ConfigProblem) -> str:
    before = problem.source_line[: problem.column - 1]
    return "".join("\t" if char == "\t" else " " for char in before) + "^"  # a tab is as wide as the tab above it


def problem_as_dict(problem: ConfigProblem) -> dict[str, object]:
    """What `json.dumps` takes, with the path as text."""
    return {
        "severity": problem.severity,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": show_path(problem.path),
        "message": problem.message,
        "hint": problem.hint,
        "example": problem.example,
        "source_line": problem.source_line,
    }
