from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.http.headers import FORBIDDEN_TRAILERS, allowed_trailers, tokens


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"close", [b"close"]),
        (b"Keep-Alive, X-Hop", [b"keep-alive", b"x-hop"]),
        (b" ,, a ,\tb\t,", [b"a", b"b"]),
        (b"", []),
        (b" , ", []),
    ],
)
def test_members_of_a_list_come_in_lower_case_without_empty_ones(value: bytes, expected: list[bytes]) -> None:
    assert tokens(value) == expected


@given(st.lists(st.text("abcXYZ-", min_size=1).map(str.encode)))
def test_joined_members_are_found_again(members: list[bytes]) -> None:
    assert tokens(b" , ".join(members)) == [member.lower() for member in members]


@pytest.mark.parametrize("name", [b"X-Forwarded-Port", b"X_Forwarded_For", b"Content_Length", b"X.Y", b"x_y"])
def test_trailer_that_looks_like_another_field_is_dropped(name: bytes) -> None:
    assert allowed_trailers([(name, b"x"), (b"X-Ok", b"y")]) == [(b"X-Ok", b"y")]


def test_order_and_duplicates_of_trailers_are_kept() -> None:
    trailers = [(b"X-Sum", b"1"), (b"ETag", b"2"), (b"X-Sum", b"3")]
    assert allowed_trailers(trailers) == trailers


@pytest.mark.parametrize("name", sorted(FORBIDDEN_TRAILERS))
def test_trailer_cannot_frame_route_or_authenticate(name: bytes) -> None:
    assert allowed_trailers([(name.title(), b"x"), (b"X-Ok", b"y")]) == [(b"X-Ok", b"y")]
