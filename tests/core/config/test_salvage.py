from typing import Any

import pytest

from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding
from proxy.core.config.salvage import existing, is_consequence, without

DATA: dict[str, Any] = {"workers": 2, "pools": {"app": {"queue": 1, "backends": ["a", {"weight": 0}]}}}


@pytest.mark.parametrize(
    ("path", "there"),
    [
        (("workers",), ("workers",)),
        (("workers", 0), ("workers",)),
        (("pools", "app", "backends", 1, "weight"), ("pools", "app", "backends", 1, "weight")),
        (("pools", "app", "backends", 0, "address"), ("pools", "app", "backends", 0)),
        (("pools", "app", "backends", 2), ("pools", "app", "backends")),
        (("pools", "app", "backends", "x"), ("pools", "app", "backends")),
        (("nothing",), ()),
    ],
)
def test_existing(path: Path, there: Path) -> None:
    assert existing(DATA, path) == there


@pytest.mark.parametrize(
    ("faults", "rest"),
    [
        ([("workers",)], {"pools": DATA["pools"]}),
        ([("pools", "app")], {"workers": 2, "pools": {"app": {}}}),  # the name stays known
        ([("pools", "app", "backends", 0)], {"workers": 2, "pools": {"app": {"queue": 1}}}),  # the list goes whole
        ([("pools", "app", "backends", n) for n in (0, 1, 2)], {"workers": 2, "pools": {"app": {"queue": 1}}}),
        (
            [("pools", "app", "backends", 1, "weight")],
            {"workers": 2, "pools": {"app": {"queue": 1, "backends": ["a", {}]}}},
        ),
        (
            [("pools", "app", "backends", 1, "weight"), ("pools", "app", "backends", 0, "address")],
            {"workers": 2, "pools": {"app": {"queue": 1}}},
        ),
    ],
)
def test_without(faults: list[Path], rest: dict[str, Any]) -> None:
    before = str(DATA)
    assert without(DATA, faults) == rest
    assert str(DATA) == before


@pytest.mark.parametrize(
    ("finding", "fault", "expected"),
    [
        (("pools", "app", "backends"), ("pools", "app", "backends", 0), True),
        (("pools", "app"), ("pools", "app", "queue"), True),
        (("pools", "app", "queue", 0), ("pools", "app", "queue"), True),
        (("pools", "app", "queue"), ("pools", "app", "backends"), False),
    ],
)
def test_a_fault_explains_what_is_inside_it_and_around_it(finding: Path, fault: Path, expected: bool) -> None:
    assert is_consequence(Finding(path=finding, message=""), [Finding(path=fault, message="")], DATA) is expected


def test_a_misspelt_key_explains_an_absent_one_beside_it() -> None:
    misspelt = Finding(path=("pools", "app", "bakends"), message="", at_key=True)
    assert is_consequence(Finding(path=("pools", "app", "listen"), message=""), [misspelt], DATA)
    assert not is_consequence(Finding(path=("pools", "app", "queue"), message=""), [misspelt], DATA)
    assert not is_consequence(Finding(path=("pools", "web", "listen"), message=""), [misspelt], DATA)


def test_a_bad_name_is_no_consequence_of_what_is_in_its_table() -> None:
    name = Finding(path=("pools", "app"), message="", at_key=True)
    assert not is_consequence(name, [Finding(path=("pools", "app", "queue"), message="")], DATA)
