from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.http.field_names import OURS, Underscores, fate

POLICIES: tuple[Underscores, ...] = get_args(Underscores)
PUNCTUATION = "!#$%&'*+.^_`|~"


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", [b"accept", b"x-request-id", b"x.y", b"x~y", b"sec-ch-ua", b"transfer--encoding"])
def test_names_without_underscores_pass_always(name: bytes, policy: Underscores) -> None:
    assert fate(name, policy) == "pass"


@pytest.mark.parametrize(("policy", "expected"), [("drop", "drop"), ("refuse", "refuse"), ("keep", "pass")])
@pytest.mark.parametrize("name", [b"api_key", b"x_y", b"_", b"x-request_id"])
def test_the_policy_decides_about_underscores(name: bytes, policy: Underscores, expected: str) -> None:
    assert fate(name, policy) == expected


@pytest.mark.parametrize("name", sorted(name for name in OURS if b"-" in name))
def test_what_looks_like_ours_never_passes(name: bytes) -> None:
    assert fate(name.replace(b"-", b"_"), "keep") == "drop"
    assert fate(name.replace(b"-", b"_", 1), "keep") == "drop"
    assert fate(name.replace(b"-", b"."), "drop") == "drop"
    assert fate(name.replace(b"-", b"_"), "refuse") == "refuse"


@pytest.mark.parametrize("name", [b"x-forwarded-port", b"x-forwarded-", b"x_forwarded_port", b"x-forwarded_anything"])
def test_everything_said_about_forwarding_is_dropped(name: bytes) -> None:
    assert fate(name, "keep") == "drop"


def test_odd_bytes_elsewhere_make_nothing_of_ours() -> None:
    assert fate(b"x-content_length", "keep") == fate(b"content_lengths", "keep") == "pass"


@given(st.text("ab-" + PUNCTUATION, min_size=1).map(str.encode), st.sampled_from(POLICIES))
def test_only_underscores_are_refused(name: bytes, policy: Underscores) -> None:
    assert (fate(name, policy) == "refuse") == (policy == "refuse" and b"_" in name)
