from __future__ import annotations

import json
from dataclasses import asdict, replace
from math import inf, nan

import pytest

from proxy.lab.report.to_json import BadComparison, from_json, result_from_json, result_to_json, to_json
from proxy.lab.results import ScenarioResult
from tests.lab.report.comparisons import compared


def test_there_and_back() -> None:
    comparison = compared()
    assert from_json(to_json(comparison)) == comparison


def test_the_names_are_those_of_the_records() -> None:
    comparison = compared()
    assert json.loads(to_json(comparison)) == json.loads(json.dumps(asdict(comparison)))


def test_a_single_result_is_a_line() -> None:
    for result in compared().results:
        text = result_to_json(result)
        assert "\n" not in text
        assert result_from_json(text) == result


def test_endless_is_null_and_what_is_no_number_is_absent() -> None:
    result = ScenarioResult("crash", "direct", "", 0, {"recovery": inf, "p99": nan, "failed": 1.0})
    assert json.loads(result_to_json(result))["figures"] == {"recovery": None, "failed": 1.0}
    assert result_from_json(result_to_json(result)).figures == {"recovery": inf, "failed": 1.0}
    comparison = replace(compared(), results=(result,))
    assert from_json(to_json(comparison)).results[0].figures == {"recovery": inf, "failed": 1.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON: "),
        (b"\xff\xfe\xff", "no JSON: "),
        ("[]", "no comparison: "),
        ("{}", "application: "),
        ('{"results": 1}', "application: "),
        ('{"results": [1, {"figures": 1}]}', "application: "),
    ],
)
def test_what_is_no_comparison_is_said_so(text: str | bytes, said: str) -> None:
    with pytest.raises(BadComparison, match=said):
        from_json(text)
    with pytest.raises(BadComparison):
        result_from_json(text)


def test_the_place_of_a_wrong_value_is_named() -> None:
    values = json.loads(to_json(compared()))
    values["results"][0]["repetition"] = "often"
    with pytest.raises(BadComparison, match=r"results\.0\.repetition: "):
        from_json(json.dumps(values))
