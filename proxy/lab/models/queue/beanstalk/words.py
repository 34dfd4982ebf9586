"""What stands behind a command, checked; and the answers that have more than one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.models.queue.beanstalk.tube import Job

_TUBE = re.compile(rb"[A-Za-z0-9+/;.$_()][A-Za-z0-9+/;.$_()-]{0,199}")
_LIMIT = 2**32  # of priorities and seconds


class BadCommand(Exception):
    """word: what is answered."""

    def __init__(self, word: bytes = b"BAD_FORMAT") -> None:
        self.word = word


def put_arguments(words: Sequence[bytes]) -> tuple[int, int, int, int]:
    """Priority, delay, time to run, bytes. Raises BadCommand."""
    priority, delay, ttr, size = numbers(words, 4, most=10**15)
    if max(priority, delay, ttr) >= _LIMIT:
        raise BadCommand
    return priority, delay, ttr, size


def _some(words: Sequence[bytes]) -> Sequence[bytes]:
    """beanstalkd takes the blank behind a command for a part of its name."""
    if not words:
        raise BadCommand(b"UNKNOWN_COMMAND")
    return words


def numbers(words: Sequence[bytes], count: int, most: int = _LIMIT - 1) -> list[int]:
    if len(_some(words)) != count or not all(word.isdigit() for word in words):
        raise BadCommand
    found = [int(word) for word in words]
    if max(found) > most:
        raise BadCommand
    return found


def number(words: Sequence[bytes]) -> int:
    return numbers(words, 1, most=2**64 - 1)[0]


def tube_name(words: Sequence[bytes]) -> str:
    if len(_some(words)) != 1 or not _TUBE.fullmatch(words[0]):
        raise BadCommand
    return words[0].decode()


def nothing(words: Sequence[bytes]) -> None:
    if words:
        raise BadCommand


def with_job(word: bytes, job: Job) -> bytes:
    return b"%b %d %d\r\n%b" % (word, job.number, len(job.body), job.body)


def ok(text: str) -> bytes:
    return b"OK %d\r\n%b" % (len(text), text.encode())
