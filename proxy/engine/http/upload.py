"""The part of a request that did not go out in one `send`: a body on its way, a full socket, a handshake under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.chunked import ChunkError
from proxy.core.errors import BadRequest, ClientGone, ClientTimeout, ProxyError
from proxy.core.http1 import CHUNKED
from proxy.core.pace import Pace
from proxy.engine.flow import BLOCKED, DONE, MORE, Flow, SinkError, SourceError
from proxy.engine.http.body import CodecFlow, Rechunk
from proxy.engine.http.waiting import Waiting

if TYPE_CHECKING:
    from proxy.engine.http.connection import BackendConnection
    from proxy.engine.http.exchange import Exchange


def split_body(exchange: Exchange) -> Upload | None:
    """Adds the beginning of the body, taken out of session.buffer, to exchange.request; the Upload is for the rest.

    Raises BadRequest.
    """
    session, length = exchange.session, exchange.head.length
    limit = exchange.route.body_limit
    early, session.buffer = session.buffer, b""
    if length == CHUNKED:
        codec = Rechunk(limit)
        try:
            exchange.request += codec.feed(early)
        except ChunkError as error:
            raise BadRequest("chunk-syntax", str(error)) from None
        session.buffer = codec.rest
        return None if codec.is_done else Upload(exchange, CodecFlow(session.sock, session.sock, codec))
    if limit and length > limit:
        raise BadRequest("body-too-large", f"over {limit} bytes", status=413)
    exchange.request += early[:length]
    session.buffer = early[length:]
    return Upload(exchange, Flow(session.sock, session.sock, length - len(early))) if len(early) < length else None


class Upload:
    """flow: client to backend."""

    __slots__ = ("_exchange", "_is_blocked", "_is_scheduled", "_left_at_start", "_pace", "_quiet_at", "flow")

    def __init__(self, exchange: Exchange, flow: Flow) -> None:
        self.flow = flow
        flow.hang_up = exchange.session.may_read  # the edge that brought the head may have brought the client's end too
        self._exchange = exchange
        self._left_at_start = flow.left
        frontend = exchange.session.frontend.config
        self._pace = Pace(frontend.limits.body_rate, frontend.timeouts.request_body)
        self._quiet_at = 0.0
        self._is_blocked = False
        self._is_scheduled = False

    @classmethod
    def of_nothing_more(cls, exchange: Exchange) -> Upload:
        """For a request that is all here."""
        sock = exchange.session.sock
        return cls(exchange, Flow(sock, sock, 0))

    @property
    def is_untouched(self) -> bool:
        """Nothing was read from the client since the request began, so that it can begin again."""
        return self.flow.left == self._left_at_start

    @property
    def taken(self) -> int:
        """Bytes read from the client."""
        return self._left_at_start - self.flow.left

    def begin(self, connection: BackendConnection, data: bytes) -> None:
        """data: what goes before everything still to be read."""
        self.flow.set_sink(connection.sock)
        self.flow.put(data)
        self._is_blocked = False
        self.pump()

    def pump_into_backend(self) -> None:
        """The backend's socket became writable, or its handshake is complete."""
        connection = self._exchange.connection
        assert connection is not None
        connection.is_connected = True
        self.pump()

    def pump(self) -> None:
        exchange, flow = self._exchange, self.flow
        connection = exchange.connection
        if connection is None or exchange.upload is not self:
            return  # still waiting for a slot, or over
        taken, left = flow.moved, flow.left
        try:
            stopped = flow.pump()
        except SourceError:
            exchange.abort(ClientGone())
        except SinkError as error:
            assert isinstance(error.__cause__, OSError)
            exchange.backend_stopped_reading(error.__cause__)
        except ChunkError as error:
            exchange.fail(BadRequest("chunk-syntax", str(error)))
        except ProxyError as error:
            exchange.fail(error)
        else:
            if flow.moved != taken:
                connection.is_connected = True
            self._stopped(stopped, connection, has_moved=flow.moved != taken, has_read=flow.left != left)

    def _stopped(self, stopped: int, connection: BackendConnection, *, has_moved: bool, has_read: bool) -> None:
        exchange = self._exchange
        if stopped == DONE:
            self._done()
            return
        if stopped == MORE:
            self._pump_soon()
        if stopped == BLOCKED and not self._is_blocked:
            self._is_blocked = True
            connection.watch_writing()
        if connection.is_connected and exchange.download is None:  # else the response's own pauses count
            if stopped == BLOCKED:
                self._pace.pause(exchange.session.reactor.now)
                if has_moved or exchange.waiting is not Waiting.BACKEND_TO_READ:  # a client that drips is no progress
                    exchange.wait(Waiting.BACKEND_TO_READ, exchange.pool.timeouts.send)
            else:
                self._wait_for_client(has_read=has_read)

    def _wait_for_client(self, *, has_read: bool) -> None:
        exchange, pace = self._exchange, self._pace
        session = exchange.session
        now = session.reactor.now
        if has_read or exchange.waiting is not Waiting.REQUEST_BODY:
            self._quiet_at = now + session.timeouts.request_body
            exchange.waiting = Waiting.REQUEST_BODY
        pace.wait(now)
        session.deadline = min(self._quiet_at, pace.due)

    def timed_out(self) -> None:
        """While the client was waited for: it paused, or it is time to see how fast it is."""
        exchange, pace = self._exchange, self._pace
        now = exchange.session.reactor.now
        if now >= self._quiet_at:
            exchange.fail(ClientTimeout("request-body-timeout"))
        elif now >= pace.due and not pace.is_kept(now, self._left_at_start - self.flow.left):
            exchange.fail(ClientTimeout("request-body-too-slow"))
        else:
            exchange.session.deadline = min(self._quiet_at, pace.due)

    def _pump_soon(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._exchange.session.reactor.call_soon(self._pump_again)

    def _pump_again(self) -> None:
        self._is_scheduled = False
        self.pump()

    def crashed(self, error: Exception) -> None:
        self._exchange.crashed(error)

    def _done(self) -> None:
        flow, exchange = self.flow, self._exchange
        if flow.is_ended:
            exchange.abort(ClientGone("client-closed-in-body"))
            return
        flow.close()
        if isinstance(flow, CodecFlow):
            exchange.session.buffer = flow.codec.rest
        exchange.session.may_read = True  # the edge that brought the end of the body may have brought the next request
        exchange.upload_done()
