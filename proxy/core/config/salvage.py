"""Takes what is wrong out of a file, so that the rules can look at the rest and all errors come at once."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding

NAMED_TABLES = {"frontends", "pools"}


def without(data: dict[str, Any], faults: Iterable[Path]) -> dict[str, Any]:
    """A copy of the parsed TOML in which the values at these paths are left out."""
    rest = deepcopy(data)
    paths = {_removable(existing(data, fault)) for fault in faults}
    for path in sorted(paths, key=len):  # parents first
        if existing(rest, path) == path:  # else it went with its parent
            _remove(rest, path)
    return rest


def existing(data: Any, path: Path) -> Path:
    """The longest part of the path that is in the data: `listen = "x"` has no listen[0], an absent key is not there."""
    for depth, part in enumerate(path):
        is_key = isinstance(data, dict) and part in data
        is_index = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if not (is_key or is_index):
            return path[:depth]
        data = data[part]
    return path


def is_consequence(finding: Finding, faults: Iterable[Finding], data: dict[str, Any]) -> bool:
    """Whether a rule may have found it only because the faults were left out. data: with the faults."""
    return any(_stems_from(finding, fault, data) for fault in faults)


def _removable(path: Path) -> Path:
    """Lists go as a whole: without one item the others would stand at other paths than in the file."""
    while isinstance(path[-1], int):
        path = path[:-1]
    return path


def _remove(data: dict[str, Any], path: Path) -> None:
    *parents, key = path
    table: Any = data
    for part in parents:
        table = table[part]
    if len(path) == 2 and path[0] in NAMED_TABLES:
        table[key] = {}  # the name stays known, or all who use it would be reported too
    else:
        del table[key]


def _stems_from(finding: Finding, fault: Finding, data: dict[str, Any]) -> bool:
    if finding.at_key:  # about a name, whatever is in its table
        return False
    length = min(len(finding.path), len(fault.path))
    is_inside = finding.path[:length] == fault.path[:length]
    is_absent = existing(data, finding.path) != finding.path
    may_be_misspelt = fault.at_key and is_absent and finding.path[:-1] == fault.path[:-1]
    return is_inside or may_be_misspelt
