"""An exchange that may take only so long as a whole: `timeouts.exchange`, for frontends that set it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.errors import BackendTimeout, ClientTimeout
from proxy.engine.http.exchange import Exchange
from proxy.engine.http.waiting import Waiting

if TYPE_CHECKING:
    from proxy.core.http.request import RequestHead
    from proxy.core.http.response import ResponseHead
    from proxy.engine.http.live_route import LiveRoute
    from proxy.engine.http.session import HttpSession
    from proxy.engine.timers import Bucket


class TimedExchange(Exchange):
    """Stands on the wheel beside its session, whose deadline goes on to be that of the present step."""

    __slots__ = ("clock",)

    def __init__(self, session: HttpSession, head: RequestHead, route: LiveRoute) -> None:
        super().__init__(session, head, route)
        self.clock = Clock(self)

    def _let_go(self, *, is_clean: bool = False) -> None:
        self.clock.stop()
        super()._let_go(is_clean=is_clean)

    def _switch_protocols(self, response: ResponseHead, rest: bytes) -> None:
        self.clock.stop()  # a tunnel has no end that could be late
        super()._switch_protocols(response, rest)

    def took_too_long(self) -> None:
        """The status says who was waited for in the end."""
        if self.waiting is Waiting.SLOT:
            self.pool.stop_waiting(self)
        if self.waiting in (Waiting.REQUEST_BODY, Waiting.CLIENT_TO_READ):
            self.fail(ClientTimeout("exchange-timeout"))
        else:
            self.fail(BackendTimeout("exchange-timeout"))


class Clock:
    """The deadline of one exchange."""

    def __init__(self, exchange: TimedExchange) -> None:
        session = exchange.session
        limit = session.timeouts.exchange
        assert limit is not None
        self.deadline = session.reactor.now + limit
        self.bucket: Bucket | None = None
        self._exchange: TimedExchange | None = exchange
        self._wheel = session.frontend.wheel
        self._wheel.add(self)

    def stop(self) -> None:
        self._wheel.remove(self)
        self._exchange = None  # a circle would be left to the garbage collection

    def timed_out(self) -> None:
        if self._exchange is not None:
            self._exchange.took_too_long()

    def crashed(self, error: Exception) -> None:
        if self._exchange is not None:
            self._exchange.crashed(error)
