from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.policy.rewrite import Rewrite
from proxy.core.route import Router


@pytest.mark.parametrize(
    ("path", "replacement", "target", "expected"),
    [
        ("/api", "/", b"/api/users?id=1", b"/users?id=1"),
        ("/api", "/", b"/api", b"/"),
        ("/api", "/", b"/api?q", b"/?q"),
        ("/api/", "/", b"/api/users", b"/users"),
        ("/api/", "/", b"/api/", b"/"),
        ("/api", "/v2", b"/api/x", b"/v2/x"),
        ("/api", "/v2/", b"/api/x", b"/v2/x"),
        ("/api/", "/v2", b"/api/x", b"/v2/x"),
        ("/api", "/v2", b"/api", b"/v2"),
        ("/api", "/v2", b"/api?q", b"/v2?q"),
        ("/api", "/", b"/api//x", b"//x"),  # as many slashes as were asked for
        ("/", "/site", b"/x", b"/site/x"),
        (None, "/site", b"/x?/y", b"/site/x?/y"),
        (None, "/site/", b"/", b"/site/"),
        (None, "/site", b"*", b"*"),
    ],
)
def test_prefixes(path: str | None, replacement: str, target: bytes, expected: bytes) -> None:
    assert Rewrite(path, replacement)(target) == expected


PATHS = st.from_regex(r"/[a-c/%.]{0,6}", fullmatch=True)


@given(PATHS, PATHS, st.from_regex(r"[a-c/?%.]{0,8}", fullmatch=True))
def test_the_result_is_a_target_with_the_query_as_it_was(path: str, replacement: str, rest: str) -> None:
    target = (path + rest).encode()
    if Router([(None, path, "it")], None).find(b"a", target) is None:
        return
    rewritten = Rewrite(path, replacement)(target)
    assert re.fullmatch(rb"/[!-~]*", rewritten)
    assert rewritten.partition(b"?")[1:] == target.partition(b"?")[1:]
