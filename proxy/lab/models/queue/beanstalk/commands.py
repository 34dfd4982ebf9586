"""The commands by name, but for `put`: what each takes and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.models.queue.beanstalk import holding, looking
from proxy.lab.models.queue.beanstalk.words import tube_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proxy.lab.models.queue.beanstalk.session import Session


def _use(session: Session, words: Sequence[bytes], now: float) -> bytes:
    session.store.use(session.client, tube_name(words))
    return b"USING " + words[0]


def _watch(session: Session, words: Sequence[bytes], now: float) -> bytes:
    session.store.watch(session.client, tube_name(words))
    return b"WATCHING %d" % len(session.client.watched)


def _ignore(session: Session, words: Sequence[bytes], now: float) -> bytes:
    if not session.store.ignore(session.client, tube_name(words)):
        return b"NOT_IGNORED"
    return b"WATCHING %d" % len(session.client.watched)


def _quit(session: Session, words: Sequence[bytes], now: float) -> bytes:
    session.has_quit = True
    return b""


COMMANDS: dict[bytes, Callable[[Session, Sequence[bytes], float], bytes]] = {
    b"use": _use,
    b"watch": _watch,
    b"ignore": _ignore,
    b"reserve": holding.reserve,
    b"reserve-with-timeout": holding.reserve_with_timeout,
    b"reserve-job": holding.reserve_job,
    b"delete": holding.delete,
    b"release": holding.release,
    b"bury": holding.bury,
    b"touch": holding.touch,
    b"peek": looking.peek,
    b"peek-ready": looking.peek_ready,
    b"peek-delayed": looking.peek_delayed,
    b"peek-buried": looking.peek_buried,
    b"kick": looking.kick,
    b"kick-job": looking.kick_job,
    b"pause-tube": looking.pause_tube,
    b"stats": looking.stats,
    b"stats-job": looking.stats_job,
    b"stats-tube": looking.stats_tube,
    b"list-tubes": looking.list_tubes,
    b"list-tube-used": looking.list_tube_used,
    b"list-tubes-watched": looking.list_tubes_watched,
    b"quit": _quit,
}
