"""The tries of an exchange after its first one. Made when that has failed, so that most exchanges have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.retry import CONNECT, LOSSES, Again, BacklogWait, FailedTry
from proxy.engine.http.waiting import Waiting

if TYPE_CHECKING:
    from proxy.core.errors import ConnectFailed
    from proxy.engine.backend import LiveBackend
    from proxy.engine.http.exchange import Exchange


class Retries:
    """Asks `core.retry` and does what it says.

    tried: backends that failed this exchange; others come first. made: tries after the first, but for those that a
    stale idle connection leads to.
    """

    __slots__ = ("_backlog", "_exchange", "_full", "_is_repeating", "_losses", "made", "tried")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._backlog = BacklogWait()
        self._full: ConnectFailed | None = None  # the last backlog that was full, since the last pause
        self._is_repeating = False
        self._losses = 0
        self.made = 0
        self.tried: list[LiveBackend] = []

    def connect_failed(self, error: ConnectFailed) -> None:
        """The connection is gone, the backend still has our slot: on to another one, or wait for one, or fail."""
        exchange = self._exchange
        pool, backend = exchange.pool, exchange.backend
        assert backend is not None
        exchange.backend = None
        self.tried.append(backend)
        if error.reason == "backlog-full":
            self._full = error
        exchange.session.frontend.connect_failed(pool, backend, error)
        pool.give_back(backend)
        if self._decide(CONNECT) is not Again.NO:
            self.made += 1
            other = pool.take_another(self.tried)
            if other is not None:
                pool.retried[CONNECT] += 1
                exchange.connect(other)
                return
            if pool.is_full_but_for(self.tried):
                exchange.wait_for_slot()
                return
        if not self._pause():
            exchange.fail(self._full or error)

    def _pause(self) -> bool:
        """Whether we wait for room in a full backlog, to begin anew then."""
        exchange = self._exchange
        session, timeout = exchange.session, exchange.pool.timeouts.connect
        if self._full is None or not self._backlog.may_go_on(session.reactor.now, timeout):
            return False
        self._full = None
        self.tried.clear()
        self.made = 0
        exchange.wait(Waiting.BACKLOG, BacklogWait.PAUSE)
        session.frontend.wheel.add(session)  # a pause may be shorter than the wheel's horizon: it has to look anew
        return True

    def lost(self, failure: str, *, is_unsent: bool = False, is_stale: bool = False) -> bool:
        """Whether another try is under way. If not, all is as it was."""
        exchange = self._exchange
        pool, backend = exchange.pool, exchange.backend
        assert backend is not None
        again = self._decide(failure, is_unsent=is_unsent, is_stale=is_stale)
        if again is Again.NO:
            return False
        if again is Again.HERE:
            pool.retried["idle-connection"] += 1
            self._begin(backend)
            return True
        other = pool.take_another([*self.tried, backend])
        if other is None and again is Again.ELSEWHERE:
            return False
        self.made += 1
        self._losses += failure in LOSSES
        self._count(failure)
        if other is not None:
            self.tried.append(backend)
            exchange.backend = None
            pool.give_back(backend)
        self._begin(other or backend)
        return True

    def _decide(self, failure: str, *, is_unsent: bool = False, is_stale: bool = False) -> Again:
        exchange = self._exchange
        pool = exchange.pool
        failed = FailedTry(
            failure=failure,
            is_unsent=is_unsent,
            is_stale=is_stale,
            is_idempotent=exchange.head.is_idempotent,
            is_whole=exchange.is_whole,
            retries=self.made,
            losses=self._losses,
        )
        return pool.retry.decide(failed, has_budget=self._is_repeating or pool.has_retry_budget())

    def _begin(self, backend: LiveBackend) -> None:
        """A new connection: the other idle ones are as old as the one that was closed, or as doubtful."""
        exchange = self._exchange
        exchange.drop_connection()
        exchange.answer = b""
        exchange.connect(backend, is_fresh=True)

    def _count(self, failure: str) -> None:
        pool = self._exchange.pool
        pool.retried[failure] += 1
        if not self._is_repeating:
            self._is_repeating = True
            pool.repeating += 1

    def end(self) -> None:
        """The exchange is over."""
        if self._is_repeating:
            self._is_repeating = False
            self._exchange.pool.repeating -= 1
