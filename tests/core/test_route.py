from __future__ import annotations

import pytest

from proxy.core.route import Router, host_name


def test_first_match_wins_and_the_rest_goes_elsewhere() -> None:
    router = Router([("a.test", "/x", "ax"), ("a.test", None, "a"), (None, "/x", "x")], "rest")
    assert router.find(b"a.test", b"/x") == "ax"
    assert router.find(b"a.test", b"/y") == "a"
    assert router.find(b"b.test", b"/x/y") == "x"
    assert router.find(b"b.test", b"/y") == "rest"


def test_without_routes_everything_goes_to_one_place_or_none() -> None:
    assert Router([], "app").find(b"", b"/") == "app"
    assert Router[str]([], None).find(b"a", b"/") is None
    assert Router([("a", None, "a")], None).find(b"b", b"/") is None


@pytest.mark.parametrize(
    ("wanted", "host", "expected"),
    [
        ("api.example.com", b"API.example.com.:8080", True),
        ("Api.Example.Com", b"api.example.com", True),
        ("api.example.com", b"xapi.example.com", False),
        ("api.example.com", b"", False),
        ("*.example.com", b"a.b.example.com:1", True),
        ("*.example.com", b"example.com", False),
        ("*.example.com", b"badexample.com", False),
        ("[::1]", b"[::1]:80", True),
        ("[::1]", b"[::1]", True),
    ],
)
def test_host_of_a_route(wanted: str, host: bytes, expected: bool) -> None:
    assert (Router([(wanted, None, "it")], None).find(host, b"/") == "it") is expected


@pytest.mark.parametrize(
    ("prefix", "path", "expected"),
    [
        ("/v1", b"/v1", True),
        ("/v1", b"/v1/", True),
        ("/v1", b"/v1/x", True),
        ("/v1", b"/v10", False),
        ("/v1/", b"/v1/x", True),
        ("/v1/", b"/v1", False),
        ("/", b"/anything", True),
        ("/", b"*", False),
    ],
)
def test_path_prefix_ends_at_a_segment(prefix: str, path: bytes, expected: bool) -> None:
    assert (Router([(None, prefix, "it")], None).find(b"a", path) == "it") is expected


@pytest.mark.parametrize(
    ("host", "name"),
    [(b"A.test:80", b"a.test"), (b"a.test.", b"a.test"), (b"a:", b"a"), (b"[::1]:80", b"[::1]"), (b":80", b":80")],
)
def test_name_of_a_host(host: bytes, name: bytes) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    ("prefix", "target", "expected"),
    [
        ("/v1", b"/v1?a=/v10", True),
        ("/v1", b"/v10?a=/v1", False),
        ("/v1/", b"/v1/?", True),
        ("/v1/", b"/v1?/v1/", False),
    ],
)
def test_the_query_is_no_part_of_the_path(prefix: str, target: bytes, expected: bool) -> None:
    assert (Router([(None, prefix, "it")], None).find(b"a", target) == "it") is expected
