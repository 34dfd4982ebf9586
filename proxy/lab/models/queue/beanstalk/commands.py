"""The commands by name, but for `put`: what each takes and answers. An empty answer: the store has told, or will."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from proxy.lab.models.queue.beanstalk.statistics import of_job, of_server, of_tube, yaml_list
from proxy.lab.models.queue.beanstalk.store import NotFound
from proxy.lab.models.queue.beanstalk.tube import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proxy.lab.models.queue.beanstalk.session import Session
    from proxy.lab.models.queue.beanstalk.tube import Job, Tube

_TUBE = re.compile(rb"[A-Za-z0-9+/;.$_()][A-Za-z0-9+/;.$_()-]{0,199}")
_LIMIT = 2**32  # of priorities and seconds


class BadCommand(Exception):
    """word: what is answered."""

    def __init__(self, word: bytes = b"BAD_FORMAT") -> None:
        self.word = word


def put_arguments(words: Sequence[bytes]) -> tuple[int, int, int, int]:
    """Priority, delay, time to run, bytes. Raises BadCommand."""
    priority, delay, ttr, size = _numbers(words, 4, most=10**15)
    if max(priority, delay, ttr) >= _LIMIT:
        raise BadCommand
    return priority, delay, ttr, size


def _some(words: Sequence[bytes]) -> Sequence[bytes]:
    """beanstalkd takes the blank behind a command for a part of its name."""
    if not words:
        raise BadCommand(b"UNKNOWN_COMMAND")
    return words


def _numbers(words: Sequence[bytes], count: int, most: int = _LIMIT - 1) -> list[int]:
    if len(_some(words)) != count or not all(word.isdigit() for word in words):
        raise BadCommand
    numbers = [int(word) for word in words]
    if max(numbers) > most:
        raise BadCommand
    return numbers


def _number(words: Sequence[bytes]) -> int:
    return _numbers(words, 1, most=2**64 - 1)[0]


def _name(words: Sequence[bytes]) -> str:
    if len(_some(words)) != 1 or not _TUBE.fullmatch(words[0]):
        raise BadCommand
    return words[0].decode()


def _nothing(words: Sequence[bytes]) -> None:
    if words:
        raise BadCommand


# ----------------------------------------------------------------------------------------------- where it puts, takes


def _use(session: Session, words: Sequence[bytes], now: float) -> bytes:
    session.store.use(session.client, _name(words))
    return b"USING " + words[0]


def _watch(session: Session, words: Sequence[bytes], now: float) -> bytes:
    session.store.watch(session.client, _name(words))
    return b"WATCHING %d" % len(session.client.watched)


def _ignore(session: Session, words: Sequence[bytes], now: float) -> bytes:
    if not session.store.ignore(session.client, _name(words)):
        return b"NOT_IGNORED"
    return b"WATCHING %d" % len(session.client.watched)


# ------------------------------------------------------------------------------------------------------------ consumers


def _reserve(session: Session, words: Sequence[bytes], now: float) -> bytes:
    _nothing(words)
    return _reserve_within(session, math.inf, now)


def _reserve_with_timeout(session: Session, words: Sequence[bytes], now: float) -> bytes:
    return _reserve_within(session, _number(words), now)


def _reserve_within(session: Session, timeout: float, now: float) -> bytes:
    session.client.is_worker = True
    job = session.store.reserve(session.client, timeout, now)
    return with_job(b"RESERVED", job) if job is not None else b""


def _reserve_job(session: Session, words: Sequence[bytes], now: float) -> bytes:
    job = _find(session, _number(words))
    if job.state is State.RESERVED:
        raise NotFound
    session.client.is_worker = True
    session.store.hold(session.client, job, now)
    return with_job(b"RESERVED", job)


def _delete(session: Session, words: Sequence[bytes], now: float) -> bytes:
    session.store.delete(session.client, _number(words))
    return b"DELETED"


def _release(session: Session, words: Sequence[bytes], now: float) -> bytes:
    number, priority, delay = _numbers(words, 3, most=2**64 - 1)
    session.store.release(session.store.held(session.client, number), priority, delay, now)
    return b"RELEASED"


def _bury(session: Session, words: Sequence[bytes], now: float) -> bytes:
    number, priority = _numbers(words, 2, most=2**64 - 1)
    session.store.bury(session.store.held(session.client, number), priority)
    return b"BURIED"


def _touch(session: Session, words: Sequence[bytes], now: float) -> bytes:
    job = session.store.held(session.client, _number(words))
    job.due = now + job.ttr
    return b"TOUCHED"


# ----------------------------------------------------------------------------------------------------------- all others


def _peek(session: Session, words: Sequence[bytes], now: float) -> bytes:
    return _found(_find(session, _number(words)))


def _peek_ready(session: Session, words: Sequence[bytes], now: float) -> bytes:
    _nothing(words)
    return _found(session.client.used.ready.top())


def _peek_delayed(session: Session, words: Sequence[bytes], now: float) -> bytes:
    _nothing(words)
    return _found(session.client.used.delayed.top())


def _peek_buried(session: Session, words: Sequence[bytes], now: float) -> bytes:
    _nothing(words)
    return _found(next(iter(session.client.used.buried), None))


def _kick(session: Session, words: Sequence[bytes], now: float) -> bytes:
    most, kicked = _number(words), 0
    tube = session.client.used
    heads: Callable[[], Job | None] = lambda: next(iter(tube.buried), None)  # noqa: E731
    if not tube.buried:
        heads = tube.delayed.top
    while kicked < most and (job := heads()) is not None:
        session.store.kick(job, now)
        kicked += 1
    return b"KICKED %d" % kicked


def _kick_job(session: Session, words: Sequence[bytes], now: float) -> bytes:
    session.store.kick(_find(session, _number(words)), now)
    return b"KICKED"


def _pause_tube(session: Session, words: Sequence[bytes], now: float) -> bytes:
    if len(_some(words)) != 2:
        raise BadCommand
    session.store.pause(_known_tube(session, words[:1]), _number(words[1:]), now)
    return b"PAUSED"


def _stats(session: Session, words: Sequence[bytes], now: float) -> bytes:
    _nothing(words)
    return _ok(of_server(session.store, session.largest, now))


def _stats_job(session: Session, words: Sequence[bytes], now: float) -> bytes:
    return _ok(of_job(_find(session, _number(words)), now))


def _stats_tube(session: Session, words: Sequence[bytes], now: float) -> bytes:
    return _ok(of_tube(_known_tube(session, words), now))


def _list_tubes(session: Session, words: Sequence[bytes], now: float) -> bytes:
    _nothing(words)
    return _ok(yaml_list(session.store.tubes))


def _list_tube_used(session: Session, words: Sequence[bytes], now: float) -> bytes:
    _nothing(words)
    return b"USING " + session.client.used.name.encode()


def _list_tubes_watched(session: Session, words: Sequence[bytes], now: float) -> bytes:
    _nothing(words)
    return _ok(yaml_list(session.client.watched))


def _quit(session: Session, words: Sequence[bytes], now: float) -> bytes:
    session.has_quit = True
    return b""


def _find(session: Session, number: int) -> Job:
    if number not in session.store.jobs:
        raise NotFound
    return session.store.jobs[number]


def _known_tube(session: Session, words: Sequence[bytes]) -> Tube:
    name = _name(words)
    if name not in session.store.tubes:
        raise NotFound
    return session.store.tubes[name]


def _found(job: Job | None) -> bytes:
    if job is None:
        raise NotFound
    return with_job(b"FOUND", job)


def with_job(word: bytes, job: Job) -> bytes:
    return b"%b %d %d\r\n%b" % (word, job.number, len(job.body), job.body)


def _ok(text: str) -> bytes:
    return b"OK %d\r\n%b" % (len(text), text.encode())


COMMANDS: dict[bytes, Callable[[Session, Sequence[bytes], float], bytes]] = {
    b"use": _use,
    b"watch": _watch,
    b"ignore": _ignore,
    b"reserve": _reserve,
    b"reserve-with-timeout": _reserve_with_timeout,
    b"reserve-job": _reserve_job,
    b"delete": _delete,
    b"release": _release,
    b"bury": _bury,
    b"touch": _touch,
    b"peek": _peek,
    b"peek-ready": _peek_ready,
    b"peek-delayed": _peek_delayed,
    b"peek-buried": _peek_buried,
    b"kick": _kick,
    b"kick-job": _kick_job,
    b"pause-tube": _pause_tube,
    b"stats": _stats,
    b"stats-job": _stats_job,
    b"stats-tube": _stats_tube,
    b"list-tubes": _list_tubes,
    b"list-tube-used": _list_tube_used,
    b"list-tubes-watched": _list_tubes_watched,
    b"quit": _quit,
}
