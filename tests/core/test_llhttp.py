from __future__ import annotations

import httptools
import pytest

from proxy.core.llhttp import Judge

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
        judge.keep()
    assert judge.made == 1
    judge.check(GOOD)
    judge.check(GOOD)
    assert judge.made == 2  # not kept: a new one


@pytest.mark.parametrize("data", [UPGRADE, WITH_BODY])
def test_parser_that_may_wait_for_more_is_not_used_again(data: bytes) -> None:
    judge = CountingJudge()
    judge.check(data)
    judge.keep()
    judge.check(GOOD)
    assert judge.made == 2


def test_refusal_that_an_earlier_head_caused_is_none() -> None:
    judge = CountingJudge()
    judge.check(CLOSING)
    judge.keep()
    judge.check(GOOD)
    assert judge.made == 2


def test_bad_head_is_refused_by_a_used_parser_and_by_a_new_one() -> None:
    judge = CountingJudge()
    for _ in range(2):
        with pytest.raises(httptools.HttpParserError):
            judge.check(BAD)
        judge.check(GOOD)
        judge.keep()


def test_upgrade_does_not_bring_back_the_parser_of_a_head_that_was_refused_later() -> None:
    judge = CountingJudge()
    judge.check(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")  # and then refused for want of a Host: not kept
    judge.check(UPGRADE)
    judge.keep()
    judge.check(GOOD)
    assert judge.made == 3


def test_head_must_end_at_its_first_blank_line() -> None:
    with pytest.raises(httptools.HttpParserError):
        Judge(httptools.HttpRequestParser).check(b"GET / HTTP/1.1\r\nHost: a\r\n")
