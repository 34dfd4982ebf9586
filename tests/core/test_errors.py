from __future__ import annotations

import pytest

from proxy.core import errors
from proxy.core.errors import REASON_PHRASES, BadRequest, BadResponse, ConnectFailed, ConnectTimeout, ProxyError

from proxy.core.errors import error_page, status_for  # isort: skip

TREE = [
    (BadRequest("syntax"), "downstream", "parse", 400),
    (BadRequest("head-too-large", status=431), "downstream", "parse", 431),
    (errors.ClientGone(), "downstream", "read", 499),
    (errors.ClientTimeout(), "downstream", "read", 408),
    (errors.NoRoute(), "internal", "route", 404),
    (errors.NoBackend(), "upstream", "pick", 503),
    (ConnectFailed(), "upstream", "dial", 502),
    (ConnectTimeout(), "upstream", "dial", 504),
    (errors.BackendClosed(), "upstream", "answer", 502),
    (BadResponse(), "upstream", "parse", 502),
    (errors.BackendTimeout(), "upstream", "answer", 504),
    (errors.Draining(), "internal", "answer", 503),
    (ProxyError(), "internal", "read", 500),
]


@pytest.mark.parametrize(("error", "side", "phase", "status"), TREE)
def test_each_kind_knows_its_side_phase_and_status(error: ProxyError, side: str, phase: str, status: int) -> None:
    assert (error.side, error.phase, status_for(error)) == (side, phase, status)


def test_only_what_reached_no_backend_may_be_repeated_whatever_the_method() -> None:
    assert {type(error) for error, *_ in TREE if error.retryable} == {ConnectFailed, ConnectTimeout}


def test_text_for_the_log_has_side_phase_reason_and_detail() -> None:
    error = ConnectFailed("connect-refused", "Connection refused", backend="127.0.0.1:1")
    assert str(error) == "upstream dial connect-refused: Connection refused"
    assert error.backend == "127.0.0.1:1"
    assert str(errors.BackendTimeout("idle", phase="tunnel")) == "upstream tunnel idle"


def test_page_names_phase_and_reason_and_nothing_of_the_house() -> None:
    error = ConnectFailed("connect-refused", "no route to 10.0.0.7", backend="10.0.0.7:80")
    head, _, body = error_page(error).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"\r\nConnection: close" in head
    assert b"\r\nContent-Length: %d\r\n" % len(body) in head
    assert b"\r\nX-Rproxy-Error: dial/connect-refused\r\n" in head
    assert body == b"502 Bad Gateway\ndial: connect-refused\n"
    assert b"10.0.0.7" not in head + body


def test_page_for_head_has_the_same_head_and_no_body() -> None:
    error = errors.NoRoute()
    assert error_page(error, is_head=True) == error_page(error).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def test_only_503_invites_to_come_again() -> None:
    assert b"Retry-After: 1\r\n" in error_page(errors.NoBackend("queue-full"))
    assert b"Retry-After" not in error_page(errors.BackendTimeout())


def test_every_status_that_can_be_sent_has_a_phrase() -> None:
    for status, phrase in REASON_PHRASES.items():
        assert error_page(BadRequest("x", status=status)).startswith(b"HTTP/1.1 %d %b\r\n" % (status, phrase.encode()))
    assert {status_for(error) for error, *_ in TREE} - set(REASON_PHRASES) == {499}
