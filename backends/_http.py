"""HTTP/1.1 on an asyncio Protocol and httptools: keep-alive, pipelining, backpressure, upgrades, draining."""

from __future__ import annotations

import asyncio
import signal
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import httptools

from backends._exchange import TEXT, Exchange
from backends._listen import BACKLOG

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine
    from typing import Any

    from backends._exchange import Handler, Headers
    from backends._tunnel import Tunnel

MAX_BUFFERED = 256 * 1024  # bytes of one streamed request body
MAX_PIPELINED = 32  # requests; beyond it we stop reading


class Route(NamedTuple):
    handler: Handler
    is_streamed: bool = False


@dataclass
class Server:
    """route: from the path of a request. keep_alive: seconds that a connection may idle; 0 closes each one at once."""

    route: Callable[[bytes], Route]
    keep_alive: float = 75.0
    connections: set[Connection | Tunnel] = field(default_factory=set)
    is_draining: bool = False

    async def serve(self, sock: socket.socket) -> None:
        """Serves until SIGTERM or SIGINT; returns when the requests that were running then have been answered."""
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        listener = await loop.create_server(lambda: Connection(self), sock=sock, backlog=BACKLOG)
        await stopping.wait()
        listener.close()
        await self._drain()

    async def _drain(self) -> None:
        self.is_draining = True
        for connection in tuple(self.connections):
            connection.drain()
        while self.connections:  # noqa: ASYNC110  an event for what happens once would cost every connection a line
            await asyncio.sleep(0.01)


class Connection(asyncio.Protocol):
    """Exchanges queue in the order of their requests; only the first one is being answered."""

    transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Exchange] = deque()
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None  # exists while the write buffer is too full
        self._fields: Headers = []
        self._held: bytes | None = None  # what came after a request to upgrade
        self.tunnel: Tunnel | None = None  # set by a handler that answered 101

    # Events of the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._server.connections.add(self)
        self._last_used = self._loop.time()
        self._timer = self._loop.call_later(self._server.keep_alive or 75.0, self._check_idle)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        self._timer.cancel()
        self._queue.clear()
        if self._task:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._held = data[upgrade.args[0] :]
            self._after_upgrade()
        except httptools.HttpParserCallbackError:
            raise  # a defect of ours: asyncio logs it and closes the connection
        except httptools.HttpParserError as error:
            self._reject(str(error))
        if self._queue:
            self.regulate()

    def eof_received(self) -> bool:
        """The client may end its side and still wait for what it has asked for."""
        if not self._queue or not self._queue[-1].is_complete:
            return False
        self._queue[-1].keep_alive = False
        return True

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()
        self.regulate()

    def resume_writing(self) -> None:
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
        self._advance()
        self.regulate()

    async def drained(self) -> None:
        if self._writable:
            await self._writable

    def regulate(self) -> None:
        """Reads only while what was read is being dealt with; that bounds the memory of a connection."""
        is_behind = len(self._queue) > MAX_PIPELINED or (self._queue and self._queue[-1].buffered > MAX_BUFFERED)
        if self._writable or is_behind or self._held is not None:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    # Events of the parser.

    def on_message_begin(self) -> None:
        exchange = Exchange(self)
        self._fields = exchange.headers
        self._queue.append(exchange)

    def on_url(self, url: bytes) -> None:
        self._queue[-1].target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        exchange = self._queue[-1]
        exchange.method = self._parser.get_method()
        exchange.version = self._parser.get_http_version()
        exchange.keep_alive = self._parser.should_keep_alive() and self._server.keep_alive > 0
        exchange.wants_upgrade = self._parser.should_upgrade()
        exchange.handler, exchange.is_streamed = self._server.route(exchange.path)
        exchange.expects_continue = exchange.header(b"expect").lower() == b"100-continue"
        self._fields = exchange.trailers
        if exchange.is_streamed or exchange.expects_continue:
            self._advance()

    def on_body(self, block: bytes) -> None:
        self._queue[-1].feed(block)

    def on_message_complete(self) -> None:
        exchange = self._queue[-1]
        exchange.is_complete = True
        exchange.wake()
        self._advance()

    # Answering.

    def _advance(self) -> None:
        """Answers what can be answered now."""
        while self._queue and not (self._task or self._writable or self.transport.is_closing()):
            exchange = self._queue[0]
            if exchange.expects_continue and not exchange.is_complete:
                exchange.expects_continue = False
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if not (exchange.is_complete or exchange.is_streamed):
                return
            self._start(exchange)

    def _start(self, exchange: Exchange) -> None:
        if self._server.is_draining:
            exchange.keep_alive = False
        work = exchange.handler(exchange)
        if work is None:
            self._finish()
        else:
            self._run(work)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = self._loop.create_task(work)
        self._task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled() or self.transport.is_closing():
            return
        if task.exception():  # a defect of a handler: the client must not take the response for a whole one
            self.transport.abort()
            task.result()
        self._finish()
        self._advance()
        self.regulate()

    def _finish(self) -> None:
        exchange = self._queue.popleft()
        self._last_used = self._loop.time()
        if self._server.is_draining or not exchange.keep_alive:
            self._close()
        elif not self._queue and self._held is not None:
            self._after_upgrade()

    def _close(self) -> None:
        self._queue.clear()
        self.transport.close()

    def _reject(self, reason: str) -> None:
        """What cannot be parsed is answered in its turn, and is the last thing answered."""
        if self.transport.is_closing():
            return
        if self._queue and not self._queue[-1].is_complete:
            self._queue.pop()
            if self._task and not self._queue:  # its response is half written
                self.transport.abort()
                return
        exchange = Exchange(self)
        exchange.keep_alive, exchange.is_complete = False, True
        exchange.handler = lambda exchange: exchange.answer(400, reason.encode() + b"\n", TEXT)
        self._queue.append(exchange)
        self._advance()

    def _after_upgrade(self) -> None:
        """httptools stops behind a request that asks for an upgrade. Once that is answered we know how to read on."""
        if self._queue or self._held is None:
            return
        rest, self._held = self._held, None
        if self.tunnel:
            self._hand_over(self.tunnel, rest)
        else:  # declined: the connection goes on with HTTP (RFC 9110 7.8)
            self._parser = httptools.HttpRequestParser(self)
            self.data_received(rest)
            self.regulate()

    def _hand_over(self, tunnel: Tunnel, rest: bytes) -> None:
        self._timer.cancel()
        self._server.connections.discard(self)
        self.transport.set_protocol(tunnel)
        tunnel.connection_made(self.transport)
        if not self._writable:
            self.transport.resume_reading()
        if rest:
            tunnel.data_received(rest)

    # Ending.

    @property
    def _is_busy(self) -> bool:
        """Whether a whole request head is here; half of one may be all that ever comes."""
        return bool(self._queue and self._queue[0].method)

    def drain(self) -> None:
        if not self._is_busy:
            self.transport.close()

    def _check_idle(self) -> None:
        """One lazy timer per connection: cheaper than arming one for each request."""
        allowed = self._server.keep_alive or 75.0
        idle = 0.0 if self._is_busy else self._loop.time() - self._last_used
        if idle >= allowed:
            self.transport.close()
        else:
            self._timer = self._loop.call_later(allowed - idle, self._check_idle)
