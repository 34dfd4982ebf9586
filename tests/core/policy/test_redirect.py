from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.errors import BadRequest
from proxy.core.policy.redirect import Redirect, parse_template


@pytest.mark.parametrize(
    ("to", "host", "target", "expected"),
    [
        ("https", b"Example.com", b"/a?b=c", b"https://example.com/a?b=c"),
        ("https", b"example.com:8080", b"/", b"https://example.com/"),
        ("https", b"[::1]:80", b"/", b"https://[::1]/"),
        ("https", b"example.com", b"*", b"https://example.com"),
        ("https://{host}:8443{target}", b"example.com:8080", b"/x", b"https://example.com:8443/x"),
        ("https://www.example.com{target}", b"", b"/a?b", b"https://www.example.com/a?b"),
        ("https://www.example.com/new{target}", b"", b"/a", b"https://www.example.com/new/a"),
        ("https://www.example.com/", b"", b"/a?b", b"https://www.example.com/"),
        ("http://[2001:db8::1]:81/x?y=1", b"", b"/a", b"http://[2001:db8::1]:81/x?y=1"),
        ("/new", b"", b"/old/x", b"/new"),
        ("/new/", b"", b"/old/x", b"/new/"),
    ],
)
def test_places(to: str, host: bytes, target: bytes, expected: bytes) -> None:
    assert Redirect(to, 308, "/old").location(host, target) == expected


@pytest.mark.parametrize(
    ("path", "to", "target", "expected"),
    [
        ("/old", "/new{rest}", b"/old/x?y", b"/new/x?y"),
        ("/old", "/new{rest}", b"/old?y", b"/new?y"),
        ("/old", "/new{rest}", b"/old", b"/new"),
        ("/old/", "/new/{rest}", b"/old/x", b"/new/x"),
        ("/old", "/{rest}", b"/old/x", b"/x"),
        ("/old", "/{rest}", b"/old", b"/"),
        (None, "https://b.test{rest}", b"/x", b"https://b.test/x"),
    ],
)
def test_the_rest_is_what_follows_the_path_of_the_route(
    path: str | None, to: str, target: bytes, expected: bytes
) -> None:
    assert Redirect(to, 308, path).location(b"a.test", target) == expected


@pytest.mark.parametrize(
    ("to", "target", "expected"),
    [
        ("/{rest}", b"/old//evil.test/", b"/evil.test/"),
        ("/{rest}", b"/old/\\evil.test/", b"/%5Cevil.test/"),
        ("/{target}", b"//evil.test", b"/evil.test"),
        ("https://a.test{rest}", b"/old/.evil.test", b"https://a.test/.evil.test"),
        ("https://a.test{target}", b"//evil.test\\@x", b"https://a.test//evil.test%5C@x"),
        ("/{rest}", b'/old/"><script>', b"/%22%3E%3Cscript%3E"),
        ("/{rest}", b"/old/\xff{}|^`", b"/%FF%7B%7D%7C^`"),
    ],
)
def test_a_client_cannot_turn_it_elsewhere(to: str, target: bytes, expected: bytes) -> None:
    assert Redirect(to, 308, "/old").location(b"b.test", target) == expected


@given(
    st.sampled_from(
        ["https", "/{rest}", "/{target}", "/new{rest}", "https://a.test{rest}", "https://{host}/x{target}"]
    ),
    st.sampled_from(["/old", "/old/", None, "/"]),
    st.binary(max_size=12).filter(lambda tail: not set(tail) & set(b" \r\n\t\x0b\x0c#")),
)
def test_whatever_follows_a_browser_stays_where_it_was_sent(to: str, path: str | None, tail: bytes) -> None:
    separator = b"" if not path or path.endswith("/") else b"/"
    target = (path or "/").encode() + separator + tail
    location = Redirect(to, 308, path).location(b"a.test", target).decode("ascii")
    assert all("!" <= char <= "~" and char != "\\" for char in location)
    assert urlsplit(urljoin("http://a.test/page", location)).netloc == "a.test"


def test_without_a_host_there_is_no_same_host() -> None:
    for host in (b"", b".:80"):
        with pytest.raises(BadRequest) as caught:
            Redirect("https", 308, None).location(host, b"/")
        assert (caught.value.reason, caught.value.status) == ("no-host", 400)
    assert Redirect("/x", 308, None).location(b"", b"/") == b"/x"


@pytest.mark.parametrize(
    "text",
    [
        "", "http", "ftp://a.test/", "a.test", "//a.test", "https://", "https://{target}", "{target}", "{rest}",
        "https://a.test/{host}", "https://a.test/{target}/x", "/{other}", "https://a b/", "https://a.test:x/",
        "https://user@a.test/", "/a\r\nb", "/a b", "/ä", "/a\\b", "https://{host}.evil/",
    ],
)  # fmt: skip
def test_what_is_no_place(text: str) -> None:
    assert parse_template(text) is None
