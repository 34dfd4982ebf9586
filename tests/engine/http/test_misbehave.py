"""Every fault of `backends.misbehave`, over HTTP: the client gets the truth, an error page, or a visible cut."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import trio

from backends.misbehave import FAULTS
from proxy.core.address import parse_address
from tests.engine.support import ask, client, config, proxy, reason, slots, status
from tests.processes import start_backend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.address import Address

# What the client may see: a status, or CUT for a response that breaks off so that nobody can take it for whole.
CUT = 0
EXPECTED: dict[str, tuple[int, str]] = {
    "none": (200, ""),
    "close-at-accept": (502, "answer/closed-before-answer"),
    "reset-at-accept": (502, "answer/backend-reset"),
    "close-after-request": (502, "answer/closed-before-answer"),
    "reset-after-request": (502, "answer/backend-reset"),
    "hang": (504, "answer/response-head-timeout"),
    "garbage": (502, "parse/response-syntax"),
    "half-head": (502, "answer/closed-in-head"),
    "slow-head": (200, ""),
    "huge-head": (502, "parse/response-head-too-large"),
    "many-headers": (502, "parse/response-too-many-fields"),
    "obs-fold": (502, "parse/response-syntax"),
    "bare-lf": (502, "parse/response-syntax"),  # without waiting for the end of a head that has none
    "length-and-chunked": (502, "parse/response-syntax"),
    "two-lengths": (502, "parse/response-syntax"),
    "interim-storm": (502, "parse/too-many-interim"),
    "half-body": (CUT, ""),
    "half-body-reset": (CUT, ""),
    "slow-body": (200, ""),
    "chunked-truncated": (CUT, ""),
    "chunked-garbage": (502, "parse/response-chunks"),
    "extra-bytes": (200, ""),
    "body-with-204": (204, ""),
    "close-delimited": (200, ""),
    "early-413": (413, ""),
    "early-413-close": (413, ""),
    "silent-close": (200, ""),
}


@pytest.fixture(scope="module")
def misbehave() -> Iterator[Address]:
    with start_backend("misbehave", "--pause", "0.002") as backend:
        yield parse_address(backend.address)


def test_every_fault_is_expected() -> None:
    assert set(EXPECTED) == set(FAULTS)


@pytest.mark.parametrize("fault", EXPECTED)
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_fault_is_never_taken_for_a_good_answer(fault: str, method: bytes, misbehave: Address) -> None:
    expected, why = EXPECTED[fault]
    head_timeout = {"response_head": 0.1 if expected == 504 else 5.0}
    lines = [method + b" /" + fault.encode() + b" HTTP/1.1", b"Host: a"]
    data = b"\r\n".join([*lines, b"Content-Length: 3", b"", b"abc"] if method == b"POST" else [*lines, b"", b""])
    async with proxy(config(misbehave, pool_timeouts=head_timeout)) as server:
        (only,) = server.pools["app"].backends
        for _ in range(1 if expected == 504 else 2):
            if fault in ("early-413", "silent-close"):
                only.expire(math.inf)  # deaf or about to be closed, and nothing says so: a POST over it may be lost
            async with client(server) as wire:
                await wire.send(data)
                try:
                    head, body = await wire.response()
                    while status(head) == 103:
                        head, body = await wire.response()
                except (trio.BrokenResourceError, EOFError):
                    assert expected == CUT
                else:
                    assert status(head) == expected
                    assert reason(head) == why
                    if expected == 200:
                        assert body == (b"0123456789" if fault == "slow-body" else b"ok")
        only.expire(math.inf)
        assert (await ask(server, b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n"))[1] == b"ok"
        assert slots(server) == 0
