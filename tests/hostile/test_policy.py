"""Whatever clients send, a policy on requests is applied to each of them, and what the backend gets has one reading."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import HealthCheck, given, settings

from proxy.core.config import Route
from tests.hostile.generator import pipelines
from tests.hostile.trial import Result, faults, rig

if TYPE_CHECKING:
    from tests.hostile.strict_reader import Request

FEW, MANY = 500, 20_000
POLICY = {
    "set_request_headers": {"X": "ours", "X-Real-IP": "{client}", "Content-Type": "text/{proto}"},
    "remove_request_headers": ("Cookie", "X-Empty"),
    "routes": (
        Route(path="/h", pool="app", rewrite="/other/"),
        Route(path="/p", pool="app", rewrite="/"),
        Route(host="a", path="/x", pool="app", rewrite="/y/z", remove_request_headers=("accept",)),
    ),
}
REMOVED = {b"cookie", b"x-empty"}
REWRITTEN = [(rb"/h(?=[/?]|$)", b"/other"), (rb"/p(?=[/?]|$)", b""), (rb"/x(?=[/?]|$)", b"/y/z")]
AT_THE_END = [(b"X-Real-IP", b"127.0.0.1"), (b"Content-Type", b"text/http")]


def by_policy(request: Request) -> Request:
    """What the backend is meant to get, said once more in other words than those of proxy/."""
    path, gone, authority = request.origin_form, REMOVED, request.authority
    for number, (pattern, replacement) in enumerate(REWRITTEN):
        if re.match(pattern, path) and (number < 2 or re.fullmatch(rb"(?i)a\.*(:[0-9]*)?", authority)):
            path = re.sub(pattern, replacement, path, count=1)
            path = path if path.startswith(b"/") else b"/" + path
            gone = gone | {b"accept"} if number == 2 else gone
            break
    target = path if request.origin_form == request.target else b"http://" + authority + path
    gone = gone | request.options | {b"connection"}  # what Connection names goes no further; ours is set all the same
    fields, is_placed = [], False
    for name, value in request.fields:
        key = name.lower()
        if key in gone or key in (b"x-real-ip", b"content-type") or (key == b"x" and is_placed):
            continue
        is_placed |= key == b"x"
        fields.append((b"X", b"ours") if key == b"x" else (name, value))
    fields += [] if is_placed else [(b"X", b"ours")]
    return replace(request, target=target, fields=(*fields, *AT_THE_END))


def judged(result: Result) -> list[str]:
    expected = replace(result.expected, requests=tuple(map(by_policy, result.expected.requests)))
    return faults(replace(result, expected=expected))


@pytest.mark.slow
async def test_every_request_that_gets_through_is_as_the_policy_says(soaking: bool) -> None:
    async with rig(POLICY) as running:

        async def run(data: bytes) -> Result:
            return await running.send([data], data)

        @settings(
            max_examples=MANY if soaking else FEW, deadline=None, database=None, derandomize=not soaking,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(pipelines())
        def check(pipeline: tuple[bytes, list[int]]) -> None:
            assert judged(trio.from_thread.run(run, pipeline[0] + running.canary())) == []

        await trio.to_thread.run_sync(check)
    assert len(running.backend.seen) > FEW // 2
