"""What the README says of keys, reasons, files and steps is what there is."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from typing import TYPE_CHECKING, get_args

from proxy.core import errors
from proxy.core.config import FrontendLimits, FrontendTimeouts, PoolTimeouts
from proxy.core.config.sections.units import parse_duration, parse_size
from proxy.engine.backend import _REASONS as CONNECT_REASONS
from tests.configs.reference import README, inserted
from tests.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = README.read_text()
CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.ProxyError)]


def test_the_reference_is_that_of_the_schema() -> None:
    assert inserted(TEXT) == TEXT, "run python -m tests.configs.reference"


def reasons() -> Iterator[str]:
    """Those of the classes, of failed connects, and the texts that these classes are called with; the lab's gateway
    calls some of them too, and has no table."""
    yield from (error.reason for error in CLASSES)
    yield from CONNECT_REASONS.values()
    for path in set((ROOT / "proxy").rglob("*.py")) - set((ROOT / "proxy" / "lab").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            yield from texts_of(node)


def texts_of(node: ast.AST) -> Iterator[str]:
    names = {error.__name__ for error in CLASSES}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
        found = node.args[0]
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "reason":
        found = node.value
    else:
        return
    for part in ast.walk(found):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and re.fullmatch("[a-z-]+", part.value):
            yield part.value


def test_every_reason_is_in_the_table_and_no_other() -> None:
    table = TEXT.partition("## Error codes")[2].partition("\n## ")[0]
    rows = [line.split("|")[3] for line in table.splitlines() if re.match(r"\| [45]", line)]
    assert {reason for row in rows for reason in re.findall("`([a-z-]+)`", row)} == set(reasons())


def test_every_status_is_in_the_table() -> None:
    for status in errors.REASON_PHRASES:
        assert f"\n| {status} | " in TEXT


def test_every_limit_is_compared_with_its_default() -> None:
    section = TEXT.partition("## Limits and timeouts")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.count("|") == 8][2:]
    said = {row[2].strip("` "): row[3].split()[0] for row in rows}
    expected: dict[str, object] = {}
    for prefix, kind in (("limits", FrontendLimits), ("timeouts", FrontendTimeouts), ("pools.timeouts", PoolTimeouts)):
        expected |= {f"{prefix}.{field.name}": field.default for field in fields(kind)}
    assert said.keys() == expected.keys()
    assert {key: read_as(expected[key], text) for key, text in said.items()} == expected


def read_as(default: object, text: str) -> object:
    """What a default in words means, of the kind that it has to be."""
    if isinstance(default, float):
        return parse_duration(text)
    return None if text == "none" else parse_size(int(text) if text.isdecimal() else text)


def test_every_step_is_in_the_picture() -> None:
    picture = TEXT.partition("## Picture")[2].partition("\n## ")[0]
    for phase in get_args(errors.Phase):
        assert re.search(rf"^ .{{14,18}} {phase} +\w", picture, re.MULTILINE), phase


def test_every_configuration_is_listed() -> None:
    assert {f"configs/{path.name}" for path in (ROOT / "configs").glob("*.toml")} == set(
        re.findall(r"\((configs/[a-z-]+\.toml)\)", TEXT)
    )


def test_every_file_that_it_names_exists() -> None:
    for name in re.findall(r"`((?:proxy|backends|serve|engine|core|tests)/[\w/.-]*)`", TEXT):
        assert (ROOT / name).exists() or (ROOT / "proxy" / name).exists(), name
