"""A response that takes more than one read: its body on the way from the backend to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.errors import BackendClosed, BadResponse, ClientGone, ClientTimeout
from proxy.core.http.chunked import ChunkError
from proxy.core.http.framing import CHUNKED, UNTIL_CLOSE
from proxy.engine.flow import BLOCKED, DONE, ENDLESS, MORE, Flow, SinkError, SourceError
from proxy.engine.http.body import AddChunks, Codec, CodecFlow, DropChunks, Rechunk
from proxy.engine.http.slow_reader import SlowReader
from proxy.engine.http.waiting import Waiting

if TYPE_CHECKING:
    from proxy.core.http.request import RequestHead
    from proxy.core.http.response import ResponseHead
    from proxy.engine.http.exchange import Exchange


class Download:
    """flow: backend to client. length: a number, CHUNKED or UNTIL_CLOSE."""

    __slots__ = ("_exchange", "_is_scheduled", "_keep_alive", "_length", "_reader", "_response", "flow")

    def __init__(self, exchange: Exchange, response: ResponseHead, length: int) -> None:
        self._exchange = exchange
        self._response = response
        self._length = length
        self._is_scheduled = False
        self._reader: SlowReader | None = None
        request, session = exchange.head, exchange.session
        self._keep_alive = (
            request.keep_alive
            and session.requests_left != 0
            and not session.frontend.is_draining
            and (length >= 0 or request.is_1_1)  # without a length and without chunks only the connection's end is left
        )
        codec = _codec_for(length, request, exchange.route.response_fields.names)
        assert exchange.connection is not None
        source, sink = exchange.connection.sock, session.sock
        self.flow = CodecFlow(source, sink, codec) if codec else Flow(source, sink, length if length >= 0 else ENDLESS)

    def begin(self, body: bytes, *, hang_up: bool) -> None:
        """body: what came behind the head."""
        flow, exchange = self.flow, self._exchange
        head = self._response.for_client(is_1_1=exchange.head.is_1_1, keep_alive=self._keep_alive)
        if isinstance(flow, CodecFlow):
            try:
                body = flow.codec.feed(body)
            except ChunkError as error:
                exchange.download = None  # nothing was passed on yet
                exchange.fail(BadResponse("response-chunks", str(error)))
                return
        else:
            flow.left -= len(body)
        flow.hang_up = hang_up
        flow.put(exchange.session.take_unsent() + head + body)
        self.pump()

    def pump(self) -> None:
        exchange = self._exchange
        if exchange.is_over:
            return
        taken = self.flow.moved
        try:
            stopped = self.flow.pump()
        except SourceError as error:
            exchange.abort(BackendClosed("backend-reset", str(error.__cause__), backend=self._backend_name()))
        except SinkError:
            exchange.abort(ClientGone(phase="write"))
        except ChunkError as error:
            exchange.abort(BadResponse("response-chunks", str(error), backend=self._backend_name()))
        else:
            self._stopped(stopped, has_moved=self.flow.moved != taken)

    def _stopped(self, stopped: int, *, has_moved: bool) -> None:
        exchange = self._exchange
        if stopped == DONE:
            self._done()
        elif stopped == BLOCKED:
            exchange.session.watch_writing()
            if has_moved or exchange.waiting is not Waiting.CLIENT_TO_READ:
                self._wait_for_client()
        else:
            if self._reader is not None:
                self._reader.pause(exchange.session.reactor.now)
            exchange.wait(Waiting.RESPONSE_BODY, exchange.pool.timeouts.response_body)
            if stopped == MORE and not self._is_scheduled:
                self._is_scheduled = True
                exchange.session.reactor.call_soon(self._pump_again)

    def _wait_for_client(self) -> None:
        exchange, written = self._exchange, self.flow.moved
        session = exchange.session
        if self._reader is None:
            self._reader = SlowReader(session, written)
        exchange.waiting = Waiting.CLIENT_TO_READ
        session.deadline = self._reader.blocked(written, session.reactor.now)

    def timed_out(self) -> None:
        """While the client was waited for."""
        exchange, reader = self._exchange, self._reader
        assert reader is not None
        session = exchange.session
        try:
            session.deadline = reader.judge(self.flow.moved, session.reactor.now)
        except ClientTimeout as error:
            exchange.abort(error)

    def _pump_again(self) -> None:
        self._is_scheduled = False
        self.pump()

    def crashed(self, error: Exception) -> None:
        self._exchange.crashed(error)

    def _done(self) -> None:
        flow, exchange = self.flow, self._exchange
        if flow.is_ended and not self._may_end():
            exchange.abort(BackendClosed("closed-in-body", backend=self._backend_name()))
            return
        keep_alive = self._keep_alive and exchange.keeps_client()
        is_clean = self._response.keep_alive and not flow.is_ended and not flow.hang_up
        if isinstance(flow, CodecFlow):
            is_clean = is_clean and not flow.codec.rest
        if is_clean:
            assert exchange.connection is not None
            is_clean = not exchange.connection.has_more()
        exchange.finish(is_clean=is_clean, keep_alive=keep_alive)

    def _may_end(self) -> bool:
        return self._length == UNTIL_CLOSE or not self.flow.left

    def _backend_name(self) -> str:
        backend = self._exchange.backend
        return backend.name if backend is not None else ""


def _codec_for(length: int, request: RequestHead, withheld: frozenset[bytes]) -> Codec | None:
    """How the body is rewritten; None: its bytes are passed on as they are.

    A client that did not say `TE: trailers` gets none: it may take them for anything (RFC 9110 section 6.5.1)."""
    if length == CHUNKED:
        return Rechunk(with_trailers=request.takes_trailers, withheld=withheld) if request.is_1_1 else DropChunks()
    return AddChunks() if length == UNTIL_CLOSE and request.is_1_1 else None
