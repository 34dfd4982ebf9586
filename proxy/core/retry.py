"""Whether a request whose try failed is tried again, and where (RFC 9110 section 9.2.2). No I/O.

    what failed                          whose request may be tried again          where
    no connection came about             any: nothing was sent                     elsewhere
    an idle connection took no byte      any: nothing was sent                     here, on a new connection
    an idle connection turned out stale  one that may be repeated                  here, on a new connection
    closed, reset                        one that may be repeated, if listed       elsewhere, or else here
    response-head-timeout, bad-response  one that may be repeated, if listed       elsewhere
    left out while it was waited for     one that may be repeated, if listed       elsewhere; or else it is waited for
    an answer such as 503                one that may be repeated, if listed       elsewhere; or else it is the answer

Listed: in `retry_on`. May be repeated: all of it is still here, nothing of an answer went downstream, and its method is
idempotent unless the operator listed `non-idempotent`. A request that was lost is sent once more and not a third time:
it may be what kills backends. What was sent before is sent again only within the budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CONNECT = "connect-failure"
CLOSED = "closed"
RESET = "reset"
HEAD_TIMEOUT = "response-head-timeout"
BAD_RESPONSE = "bad-response"
UNHEALTHY = "unhealthy"  # nothing has failed yet: probes or ejection took the backend out that it waits for
NON_IDEMPOTENT = "non-idempotent"  # no failure: the wish to repeat requests of every method
LOSSES = frozenset({CLOSED, RESET, HEAD_TIMEOUT, BAD_RESPONSE, UNHEALTHY})
_MAY_STAY = frozenset({CLOSED, RESET})  # a worker died, and the next one may listen on the same address


_STALE = frozenset({*_MAY_STAY, BAD_RESPONSE})


class Again(Enum):
    NO = auto()
    HERE = auto()  # the same backend, on a new connection
    ELSEWHERE = auto()  # another backend; when none is ready not at all
    ANYWHERE = auto()  # another backend on a new connection; when none is ready the same


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTry:
    """failure: CONNECT, CLOSED, RESET, HEAD_TIMEOUT, BAD_RESPONSE, or the status of an answer as text.

    is_unsent: the backend cannot have seen a byte of the request. is_stale: the connection had been idle, and not a
    byte of an answer came over it, though perhaps what was left of the one before. is_whole: all of the request is
    still here, and nothing of an answer is downstream. retries: tries after the first, so far. losses: tries so far
    that ended in a loss of what was sent.
    """

    failure: str
    is_unsent: bool = False
    is_stale: bool = False
    is_idempotent: bool = True
    is_whole: bool = True
    retries: int = 0
    losses: int = 0


class BacklogWait:
    """A Unix socket whose queue is full refuses at once, where TCP would let us wait for as long as the timeout of a
    connect says. So we wait as long, and try again now and then."""

    __slots__ = ("_ends_at",)

    PAUSE = 0.05  # seconds

    def __init__(self) -> None:
        self._ends_at: float | None = None

    def may_go_on(self, now: float, timeout: float) -> bool:
        """Whether there is time for another pause. The first call begins the wait."""
        if self._ends_at is None:
            self._ends_at = now + timeout
        return now + self.PAUSE <= self._ends_at


class RetryPolicy:
    """retries: most tries after the first. percent, at_least: the budget, see `has_budget`."""

    __slots__ = ("_at_least", "_listed", "_percent", "_retries", "repeats_all", "statuses")

    def __init__(self, retries: int, retry_on: Iterable[str], percent: int = 20, at_least: int = 100) -> None:
        self._retries = retries
        self._listed = frozenset(retry_on)
        self._percent = percent
        self._at_least = at_least
        self.repeats_all = NON_IDEMPOTENT in self._listed
        self.statuses = frozenset(int(word) for word in self._listed if word.isdigit())

    def may_be_repeated(self, *, is_idempotent: bool) -> bool:
        return is_idempotent or self.repeats_all

    def decide(self, failed: FailedTry, *, has_budget: bool) -> Again:
        """has_budget: see `has_budget`; asked for what was sent only."""
        if failed.is_unsent and failed.is_stale:
            return Again.HERE
        if failed.failure == CONNECT:
            return Again.ELSEWHERE if failed.retries < self._retries else Again.NO
        if not failed.is_whole or not self.may_be_repeated(is_idempotent=failed.is_idempotent):
            return Again.NO
        if failed.is_stale and failed.failure in _STALE:
            return Again.HERE
        if failed.failure not in self._listed or failed.retries >= self._retries or not has_budget:
            return Again.NO
        if failed.failure in LOSSES and failed.losses:
            return Again.NO
        return Again.ANYWHERE if failed.failure in _MAY_STAY else Again.ELSEWHERE

    def has_budget(self, *, running: int, repeating: int) -> bool:
        """Whether one more of the requests that run now may be a repeat of one sent before: `percent` of all, or
        `at_least`. Without a bound a pool that begins to fail would get more work, each time it fails.

        A backend that dies loses at once all that it had: of two busy ones half of what runs, and with 3 for
        `at_least`, as Envoy has it, 9 of 79,349 requests failed when one of two backends was killed 36 times under 10
        clients; with 100 none did. As what was lost is sent once more at most, 100 cannot even double small traffic.

        Source: Envoy's retry budgets (20 % is its default as well).
        """
        return repeating < max(self._at_least, running * self._percent // 100)
