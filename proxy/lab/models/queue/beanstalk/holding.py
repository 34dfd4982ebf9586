"""The commands of who takes jobs: reserve, and what becomes of a job that is held.

An empty answer: the store has told the client, or will."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from proxy.lab.models.queue.beanstalk.store import NotFound
from proxy.lab.models.queue.beanstalk.tube import State
from proxy.lab.models.queue.beanstalk.words import nothing, number, numbers, with_job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.models.queue.beanstalk.session import Session


def reserve(session: Session, words: Sequence[bytes], now: float) -> bytes:
    nothing(words)
    return _reserve_within(session, math.inf, now)


def reserve_with_timeout(session: Session, words: Sequence[bytes], now: float) -> bytes:
    return _reserve_within(session, number(words), now)


def _reserve_within(session: Session, timeout: float, now: float) -> bytes:
    session.client.is_worker = True
    job = session.store.reserve(session.client, timeout, now)
    return with_job(b"RESERVED", job) if job is not None else b""


def reserve_job(session: Session, words: Sequence[bytes], now: float) -> bytes:
    job = session.store.find(number(words))
    if job.state is State.RESERVED:
        raise NotFound
    session.client.is_worker = True
    session.store.hold(session.client, job, now)
    return with_job(b"RESERVED", job)


def delete(session: Session, words: Sequence[bytes], now: float) -> bytes:
    session.store.delete(session.client, number(words))
    return b"DELETED"


def release(session: Session, words: Sequence[bytes], now: float) -> bytes:
    job, priority, delay = numbers(words, 3, most=2**64 - 1)
    session.store.release(session.store.held(session.client, job), priority, delay, now)
    return b"RELEASED"


def bury(session: Session, words: Sequence[bytes], now: float) -> bytes:
    job, priority = numbers(words, 2, most=2**64 - 1)
    session.store.bury(session.store.held(session.client, job), priority)
    return b"BURIED"


def touch(session: Session, words: Sequence[bytes], now: float) -> bytes:
    job = session.store.held(session.client, number(words))
    job.due = now + job.ttr
    return b"TOUCHED"
