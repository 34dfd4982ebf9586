"""What is wrong with a configuration, and where: found by path, reported by line and column."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from proxy.core.config.positions import Mark, Path, Positions

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found, before anybody looked up where that stands in the text."""

    path: Path
    message: str
    hint: str = ""
    """What was meant, or what to do."""
    example: str = ""
    """A valid line of TOML."""
    severity: Severity = "error"
    at_key: bool = False
    """The key is the fault, not its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One thing that is wrong, with all that a reader needs to mend it. line and column count from 1; 0: no place."""

    file: str
    line: int
    column: int
    path: Path
    message: str
    hint: str = ""
    example: str = ""
    source_line: str = ""
    severity: Severity = "error"


class ConfigErrors(ValueError):
    """A configuration that cannot be used. problems: every error and warning of the file, sorted by position."""

    def __init__(self, problems: list[ConfigProblem]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(f"{p.file}:{p.line}:{p.column}: {p.message}" for p in self.problems)


def show_path(path: Iterable[str | int]) -> str:
    """`frontends.web.listen[0]`"""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


class Source:
    """A text under its file's name, with the places of its keys: turns findings into problems."""

    def __init__(self, text: str, filename: str, positions: Positions) -> None:
        self.filename = filename
        self._lines = text.split("\n")
        self._positions = positions

    def place(self, finding: Finding) -> ConfigProblem:
        where = self._positions.key if finding.at_key else self._positions.value
        return self.problem_at(where(finding.path), finding)

    def problem_at(self, mark: Mark, finding: Finding) -> ConfigProblem:
        return ConfigProblem(
            file=self.filename,
            line=mark.line,
            column=mark.column,
            path=finding.path,
            message=finding.message,
            hint=finding.hint,
            example=finding.example,
            source_line=self._lines[mark.line - 1].rstrip("\r"),
            severity=finding.severity,
        )
