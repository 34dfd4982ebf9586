"""The part of a request that did not go out in one `send`: a body on its way, a full socket, a handshake under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.errors import BadRequest, ClientGone, ClientTimeout, ProxyError
from proxy.core.http.chunked import ChunkError
from proxy.core.http.framing import CHUNKED
from proxy.core.pace import Pace
from proxy.engine.flow import BLOCKED, DONE, ENDLESS, MORE, Flow, SinkError, SourceError
from proxy.engine.http.body import Codec, CodecFlow, Counted, Rechunk
from proxy.engine.http.leftover import MOST
from proxy.engine.http.waiting import Waiting

if TYPE_CHECKING:
    from proxy.engine.http.connection import BackendConnection
    from proxy.engine.http.exchange import Exchange


KEPT = 64 * 1024  # bytes of a request, as it goes to the backend, that are kept for another try


def split_body(exchange: Exchange) -> Upload | None:
    """Adds the beginning of the body, taken out of session.buffer, to exchange.request; the Upload is for the rest.

    Raises BadRequest.
    """
    session, length = exchange.session, exchange.head.length
    limit = exchange.route.body_limit
    early, session.buffer = session.buffer, b""
    if length == CHUNKED:
        codec = Rechunk(limit, withheld=exchange.route.request_fields.names)
        try:
            exchange.request += codec.feed(early)
        except ChunkError as error:
            raise BadRequest("chunk-syntax", str(error)) from None
        session.buffer = codec.rest
        return None if codec.is_done else Upload(exchange, _codec_flow(exchange, codec))
    if limit and length > limit:
        raise BadRequest("body-too-large", f"over {limit} bytes", status=413)
    exchange.request += early[:length]
    session.buffer = early[length:]
    left = length - len(early)
    if left <= 0:
        return None
    if left <= KEPT and _is_kept(exchange):
        return Upload(exchange, _codec_flow(exchange, Counted(left)))
    return Upload(exchange, Flow(session.sock, session.sock, left))


def _is_kept(exchange: Exchange) -> bool:
    return exchange.pool.retry.may_be_repeated(is_idempotent=exchange.head.is_idempotent)


def _codec_flow(exchange: Exchange, codec: Codec) -> CodecFlow:
    sock = exchange.session.sock
    return CodecFlow(sock, sock, Keep(codec, exchange) if _is_kept(exchange) else codec)


class Keep:
    """A codec beside which the request is kept for another try, while it is no larger than KEPT."""

    def __init__(self, codec: Codec, exchange: Exchange) -> None:
        self._codec = codec
        self._exchange = exchange

    @property
    def is_done(self) -> bool:
        return self._codec.is_done

    @property
    def rest(self) -> bytes:
        return self._codec.rest

    @property
    def pieces(self) -> int:
        return self._codec.pieces

    @property
    def left(self) -> int:
        return self._codec.left if isinstance(self._codec, Counted) else ENDLESS

    def feed(self, data: bytes) -> bytes:
        body = self._codec.feed(data)
        exchange = self._exchange
        if exchange.request:
            exchange.request = exchange.request + body if len(exchange.request) + len(body) <= KEPT else b""
        return body

    def end(self) -> bytes:
        return self._codec.end()


class Upload:
    """flow: client to backend."""

    __slots__ = (
        "_exchange",
        "_is_blocked",
        "_is_kept",
        "_is_scheduled",
        "_left_at_start",
        "_pace",
        "_quiet_at",
        "flow",
    )

    def __init__(self, exchange: Exchange, flow: Flow) -> None:
        self.flow = flow
        self._is_kept = isinstance(flow, CodecFlow) and isinstance(flow.codec, Keep)
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
    def left(self) -> int:
        """Bytes of the body still to come from the client; ENDLESS where nobody knows."""
        flow = self.flow
        if not isinstance(flow, CodecFlow):
            return flow.left
        return flow.codec.left if isinstance(flow.codec, Keep) else ENDLESS

    @property
    def can_be_taken_in(self) -> bool:
        """Whether the rest of the body can be read behind an answer that came early. A client that waits for a 100 may
        send the body or not, and nobody could tell it from the next request (RFC 9110 section 10.1.1)."""
        return self.left <= MOST and not self._exchange.head.expects_100

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
            self._forget_what_is_gone()
            exchange.backend_stopped_reading(error.__cause__)
        except ChunkError as error:
            exchange.fail(BadRequest("chunk-syntax", str(error)))
        except ProxyError as error:
            exchange.fail(error)
        else:
            self._forget_what_is_gone()
            if flow.moved != taken:
                connection.is_connected = True
            self._stopped(stopped, connection, has_moved=flow.moved != taken, has_read=flow.left != left)

    def _forget_what_is_gone(self) -> None:
        """A body that was read and not kept cannot be sent again, and then its beginning is of no use either."""
        if self.flow.left != self._left_at_start and not self._is_kept:
            self._exchange.request = b""

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
        elif now >= pace.due and not pace.is_kept(now, self.taken):
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
