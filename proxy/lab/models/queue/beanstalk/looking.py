"""The commands of who looks after a queue: peek, kick, pause, statistics, lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.models.queue.beanstalk.statistics import of_job, of_server, of_tube, yaml_list
from proxy.lab.models.queue.beanstalk.store import NotFound
from proxy.lab.models.queue.beanstalk.words import BadCommand, nothing, number, ok, tube_name, with_job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.models.queue.beanstalk.session import Session
    from proxy.lab.models.queue.beanstalk.tube import Job, Tube


def peek(session: Session, words: Sequence[bytes], now: float) -> bytes:
    return _found(session.store.find(number(words)))


def peek_ready(session: Session, words: Sequence[bytes], now: float) -> bytes:
    nothing(words)
    return _found(session.client.used.ready.top())


def peek_delayed(session: Session, words: Sequence[bytes], now: float) -> bytes:
    nothing(words)
    return _found(session.client.used.delayed.top())


def peek_buried(session: Session, words: Sequence[bytes], now: float) -> bytes:
    nothing(words)
    return _found(session.client.used.first_buried())


def kick(session: Session, words: Sequence[bytes], now: float) -> bytes:
    most, kicked = number(words), 0
    tube = session.client.used
    first = tube.first_buried if tube.buried else tube.delayed.top
    while kicked < most and (job := first()) is not None:
        session.store.kick(job, now)
        kicked += 1
    return b"KICKED %d" % kicked


def kick_job(session: Session, words: Sequence[bytes], now: float) -> bytes:
    session.store.kick(session.store.find(number(words)), now)
    return b"KICKED"


def pause_tube(session: Session, words: Sequence[bytes], now: float) -> bytes:
    if len(words) != 2:
        raise BadCommand
    session.store.pause(_known_tube(session, words[:1]), number(words[1:]), now)
    return b"PAUSED"


def stats(session: Session, words: Sequence[bytes], now: float) -> bytes:
    nothing(words)
    return ok(of_server(session.store, session.largest, now))


def stats_job(session: Session, words: Sequence[bytes], now: float) -> bytes:
    return ok(of_job(session.store.find(number(words)), now))


def stats_tube(session: Session, words: Sequence[bytes], now: float) -> bytes:
    return ok(of_tube(_known_tube(session, words), now))


def list_tubes(session: Session, words: Sequence[bytes], now: float) -> bytes:
    nothing(words)
    return ok(yaml_list(session.store.tubes))


def list_tube_used(session: Session, words: Sequence[bytes], now: float) -> bytes:
    nothing(words)
    return b"USING " + session.client.used.name.encode()


def list_tubes_watched(session: Session, words: Sequence[bytes], now: float) -> bytes:
    nothing(words)
    return ok(yaml_list(session.client.watched))


def _known_tube(session: Session, words: Sequence[bytes]) -> Tube:
    name = tube_name(words)
    if name not in session.store.tubes:
        raise NotFound
    return session.store.tubes[name]


def _found(job: Job | None) -> bytes:
    if job is None:
        raise NotFound
    return with_job(b"FOUND", job)
