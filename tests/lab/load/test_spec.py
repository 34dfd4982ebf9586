"""A load as JSON: what is left out, and what is refused with its name."""

from __future__ import annotations

import json

import pytest

from proxy.core.address import AddressError
from proxy.lab.load.spec import BadSpec, LoadSpec


def test_it_survives_being_text() -> None:
    spec = LoadSpec("unix:/run/app.sock", mode="closed", paths=((3, "/"), (1, "/?cpu=0.1")), ramp_to=5.0)
    assert LoadSpec.from_json(spec.to_json()) == spec


def test_only_the_target_is_needed() -> None:
    assert LoadSpec.from_json('{"target": "127.0.0.1:80"}') == LoadSpec("127.0.0.1:80")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"mode": "ajar"}, "mode: 'ajar' is none of open, closed"),
        ({"arrivals": "late"}, "none of poisson, constant, bursts"),
        ({"clients": "old"}, "none of keep-alive, new, mixed, long"),
        ({"rate": 0}, "rate: 0 is not above 0"),
        ({"connections": -1}, "connections"),
        ({"warm_up": -1}, "warm_up"),
        ({"paths": []}, "at least one"),
        ({"paths": [[0, "/"]]}, "not all of them 0"),
        ({"paths": [[1, "x y"]]}, "does not begin with /"),
        ({"paths": [[1, "/x y"]]}, "has to be escaped"),
        ({"paths": [1]}, "the fields are target"),
        ({"speed": 1}, "the fields are target"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, object], told: str) -> None:
    with pytest.raises(BadSpec, match=told.replace("[", r"\[")):
        LoadSpec.from_json(json.dumps({"target": "127.0.0.1:80", **fields}))


def test_no_json_and_no_address() -> None:
    with pytest.raises(BadSpec, match="no JSON"):
        LoadSpec.from_json("{")
    with pytest.raises(AddressError):
        LoadSpec("here")
