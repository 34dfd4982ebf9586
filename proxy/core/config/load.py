"""From a file to a `Config`, or to every reason why not."""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from proxy.core.config.files import check_files
from proxy.core.config.messages import findings
from proxy.core.config.positions import Path, Positions, locate
from proxy.core.config.problem import ConfigErrors, ConfigProblem, Finding, Source
from proxy.core.config.rules.checks import check_rules
from proxy.core.config.salvage import NAMED_TABLES, is_consequence, without
from proxy.core.config.schema import adapter
from proxy.core.config.sections.model import Config
from proxy.core.config.sections.users import check_users
from proxy.core.config.syntax import explain

_TOO_DEEP = Finding(path=(), message="brackets are nested too deeply")


@dataclass(frozen=True, slots=True)
class Checked:
    """config: None if there are errors. problems: errors and warnings, sorted by position."""

    config: Config | None
    problems: list[ConfigProblem]

    def unwrap(self) -> Config:
        """Raises ConfigErrors unless the configuration can be used; warnings alone do not count."""
        if self.config is None:
            raise ConfigErrors(self.problems)
        return self.config


Check = Callable[[Config], Iterable[Finding]]


def load_config(path: str | FilePath) -> Config:
    """Raises ConfigErrors; a file that cannot be read is one problem among them."""
    return check_file(path).unwrap()


def parse_config(text: str, filename: str) -> Config:
    """As `load_config`, without a look at the file system. filename: for messages only."""
    return check_text(text, filename).unwrap()


def check_file(path: str | FilePath, *also: Check) -> Checked:
    """As `load_config`, but raises nothing and returns warnings too. also: checks that need more than the core has, of
    a configuration that is good so far."""
    return _check_file(path, (check_files, check_users, *also))


def check_alone(path: str | FilePath) -> Checked:
    """As `check_file`, without a look at anything but this file."""
    return _check_file(path, ())


def _check_file(path: str | FilePath, checks: tuple[Check, ...]) -> Checked:
    try:
        text = FilePath(path).read_bytes().decode("utf-8-sig")  # editors on Windows put a byte order mark in front
    except OSError as exc:
        return _unreadable(str(path), _why_unreadable(exc))
    except UnicodeDecodeError as exc:
        return _unreadable(
            str(path), f"the file is not UTF-8 text: byte {exc.start + 1} is {exc.object[exc.start]:#04x}"
        )
    return _check(text, str(path), checks)


def check_text(text: str, filename: str) -> Checked:
    """As `parse_config`, but raises nothing and returns warnings too."""
    return _check(text, filename, ())


def _why_unreadable(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "this is a directory, not a configuration file"
    return f"the file cannot be read: {error.strerror}"


def _unreadable(filename: str, message: str) -> Checked:
    return Checked(None, [ConfigProblem(file=filename, line=0, column=0, path=(), message=message)])


def _check(text: str, filename: str, checks: tuple[Check, ...]) -> Checked:
    nowhere = Source(text, filename, Positions({}))
    try:
        data = tomllib.loads(text)
    except RecursionError:
        return Checked(None, [nowhere.place(_TOO_DEEP)])
    except ValueError as exc:  # a TOMLDecodeError, or an integer of more digits than Python converts
        return Checked(None, [nowhere.problem_at(*explain(exc, text))])
    try:
        return _judge(data, Source(text, filename, locate(text)), checks)
    except RecursionError:  # the copies that we make go a little deeper than tomllib
        return Checked(None, [nowhere.place(_TOO_DEEP)])


def _judge(data: dict[str, Any], source: Source, checks: tuple[Check, ...]) -> Checked:
    config, found = _validate(data)
    if config is not None:
        new = [finding for check in (check_rules, *checks) for finding in check(config)]
        found = found + [finding for finding in new if _is_news(finding, found, data)]
    problems = sorted(map(source.place, found), key=lambda problem: (problem.line, problem.column))
    has_errors = any(problem.severity == "error" for problem in problems)
    return Checked(None if has_errors else config, problems)


def _validate(data: dict[str, Any]) -> tuple[Config | None, list[Finding]]:
    """The configuration, or what is left of it without its faults; None if nothing is left that rules could judge."""
    faults: list[Finding] = []
    rest = data
    while True:
        try:
            return adapter().validate_python(rest), faults
        except ValidationError as exc:
            new = list(findings(exc, rest))
        faults += [fault for fault in new if not is_consequence(fault, faults, data)]
        if not all(_is_local(fault.path, data) for fault in new):
            return None, faults
        rest = without(rest, [fault.path for fault in new])


def _is_local(path: Path, data: dict[str, Any]) -> bool:
    """Whether the rest makes sense: not without all its pools, which an unknown table at the top may have meant."""
    return len(path) > 1 or (path[0] not in NAMED_TABLES and data.keys() >= NAMED_TABLES)


def _is_news(finding: Finding, faults: list[Finding], data: dict[str, Any]) -> bool:
    """Warnings wait until the form is right: a pool may seem unused because of a misspelt route."""
    if faults and finding.severity == "warning":
        return False
    return not is_consequence(finding, faults, data)
