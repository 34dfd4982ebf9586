from __future__ import annotations

import httptools
import pytest

from proxy.core.http.llhttp import Judge

GOOD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSING = b"GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\n"
BAD = b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
WITH_BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"


class CountingJudge(Judge):
    __slots__ = ("made",)

    def __init__(self) -> None:
        self.made = 0
        super().__init__(self.make)

    def make(self, callbacks: object) -> httptools.HttpRequestParser:
        self.made += 1
        return httptools.HttpRequestParser(callbacks)


def test_parser_is_used_again_while_heads_end_their_messages_and_connections_go_on() -> None:
    judge = CountingJudge()
    for _ in range(3):
        judge.check(GOOD)
    assert judge.made == 1
    judge.forget()
    judge.check(GOOD)
    assert judge.made == 2


@pytest.mark.parametrize("data", [UPGRADE, WITH_BODY])
def test_parser_that_may_wait_for_more_is_not_used_again(data: bytes) -> None:
    judge = CountingJudge()
    judge.check(data)
    judge.check(GOOD)
    assert judge.made == 2


def test_refusal_that_an_earlier_head_caused_is_none() -> None:
    judge = CountingJudge()
    judge.check(CLOSING)
    judge.check(GOOD)
    assert judge.made == 2


def test_a_head_is_judged_alike_whatever_came_before_it() -> None:
    """A used parser may refuse what a new one takes, and is replaced then; it may never take what a new one refuses."""
    for before in (GOOD, CLOSING, BAD, UPGRADE, WITH_BODY, b"HEAD / HTTP/1.0\r\n\r\n"):
        for data in (GOOD, CLOSING, BAD, UPGRADE, WITH_BODY):
            judge = Judge(httptools.HttpRequestParser)
            assert accepts(judge, before) is (before is not BAD)
            assert accepts(judge, data) is (data is not BAD)


def accepts(judge: Judge, data: bytes) -> bool:
    try:
        judge.check(data)
    except httptools.HttpParserError:
        return False
    return True


def test_head_must_end_at_its_first_blank_line() -> None:
    with pytest.raises(httptools.HttpParserError):
        Judge(httptools.HttpRequestParser).check(b"GET / HTTP/1.1\r\nHost: a\r\n")
