"""The least HTTP/1.1 with keep-alive on Trio, for a worker of a shared listening socket: `trio.serve_listeners`."""

from __future__ import annotations

import json
import os
import signal
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import httptools
import trio

from backends._options import Options, options_of, work

if TYPE_CHECKING:
    import socket

DEFAULTS = Options()
READ_SIZE = 64 * 1024


class Request(NamedTuple):
    method: str
    target: str
    body_length: int
    keep_alive: bool


class Requests:
    """What httptools tells of one connection. whole: those that are complete, in order."""

    def __init__(self) -> None:
        self.whole: deque[Request] = deque()
        self._parser = httptools.HttpRequestParser(self)
        self.feed = self._parser.feed_data
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self._target, self._length = b"", 0

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_body(self, block: bytes) -> None:
        self._length += len(block)

    def on_message_complete(self) -> None:
        method, keep_alive = self._parser.get_method().decode(), self._parser.should_keep_alive()
        self.whole.append(Request(method, self._target.decode("latin-1"), self._length, keep_alive))


class Server:
    def __init__(self, name: str) -> None:
        self._name = name
        self._is_draining = False
        self._waiting: set[trio.CancelScope] = set()  # of connections that have asked for nothing

    async def run(self, sock: socket.socket) -> None:
        """Until SIGTERM; then until what was asked is answered."""
        sock.setblocking(False)
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(sock))
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            async with trio.open_nursery() as connections, trio.open_nursery() as accepting:
                accepting.start_soon(self._accept, listener, connections)
                await anext(signals)
                accepting.cancel_scope.cancel()
                self._drain()

    async def _accept(self, listener: trio.SocketListener, connections: trio.Nursery) -> None:
        await trio.serve_listeners(self._serve, [listener], handler_nursery=connections)

    def _drain(self) -> None:
        self._is_draining = True
        for scope in self._waiting:
            scope.cancel()

    async def _serve(self, stream: trio.SocketStream) -> None:
        try:
            await self._converse(stream, Requests())
        except (trio.BrokenResourceError, httptools.HttpParserError, httptools.HttpParserUpgrade):
            pass  # one that is gone, or speaks something else: the connection ends, as everybody may end one

    async def _converse(self, stream: trio.SocketStream, requests: Requests) -> None:
        while not self._is_draining:
            while not requests.whole:
                data = await self._read(stream)
                if not data:
                    return
                requests.feed(data)
            request = requests.whole.popleft()
            await stream.send_all(await self._answer(request))
            if not request.keep_alive:
                return

    async def _read(self, stream: trio.SocketStream) -> bytes:
        """b"" at the end, and when we are to end."""
        with trio.CancelScope() as scope:
            self._waiting.add(scope)
            try:
                return bytes(await stream.receive_some(READ_SIZE))
            finally:
                self._waiting.discard(scope)
        return b""

    async def _answer(self, request: Request) -> bytes:
        path, _, query = request.target.partition("?")
        try:
            options = options_of(query.encode("latin-1"), DEFAULTS)
        except ValueError as error:
            return self._response(request, 400, f"{error}\n".encode())
        if options.delay:
            await trio.sleep(options.delay)
        work(options)
        if options.size is not None:
            return self._response(request, options.status, b"x" * options.size)
        report = {"pid": os.getpid(), "worker": self._name, "method": request.method, "path": path}
        body = json.dumps(report | {"body_length": request.body_length}).encode() + b"\n"
        return self._response(request, options.status, body)

    def _response(self, request: Request, status: int, body: bytes) -> bytes:
        keep_alive = request.keep_alive and not self._is_draining
        close = b"" if keep_alive else b"Connection: close\r\n"
        head = b"HTTP/1.1 %d \r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n"
        return head % (status, close, len(body)) + (b"" if request.method == "HEAD" else body)


def serve(sock: socket.socket, name: str) -> None:
    trio.run(Server(name).run, sock)
