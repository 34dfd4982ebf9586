"""A running proxy, scripted backends and plain clients, all in one Trio program: what the tests of the engine share."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import trio
import trio.lowlevel

from proxy.core.address import Address, TcpAddress, UnixAddress
from proxy.core.config import Backend as BackendConfig
from proxy.core.config import Config, Frontend, FrontendLimits, FrontendTimeouts, ListenOptions, Pool, PoolTimeouts
from proxy.serve.one_process import serve
from proxy.serve.server import Server

if TYPE_CHECKING:
    import logging
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    import pytest

DEADLINE = 8.0  # seconds for what takes milliseconds on an idle machine
LOCALHOST = TcpAddress("127.0.0.1", 0)
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NOBODY = TcpAddress("127.0.0.1", 1)  # where every connect is refused: tcpmux


def config(
    *backends: Address | BackendConfig,
    mode: str = "http",
    listen: Address = LOCALHOST,
    timeouts: dict[str, float] | None = None,
    limits: dict[str, int] | None = None,
    pool_timeouts: dict[str, float] | None = None,
    socket_options: dict[str, Any] | None = None,
    frontend: dict[str, Any] | None = None,
    **pool: Any,
) -> Config:
    """One frontend `web`, one pool `app`. Anything not said has the default of the configuration file."""
    members = tuple(b if isinstance(b, BackendConfig) else BackendConfig(address=b) for b in backends)
    web = Frontend(
        name="web",
        listen=(listen,),
        mode=mode,
        timeouts=FrontendTimeouts(**(timeouts or {})),
        limits=FrontendLimits(**(limits or {})),
        socket=ListenOptions(**(socket_options or {})),
        **{"pool": "app", **(frontend or {})},
    )
    timeouts_of_pool = PoolTimeouts(**{"connect": 2.0, **(pool_timeouts or {})})
    app = Pool(name="app", backends=members, timeouts=timeouts_of_pool, **{"balance": "round-robin", **pool})
    return Config(frontends={"web": web}, pools={"app": app})


@asynccontextmanager
async def proxy(settings: Config, *, crashes: int = 0) -> AsyncIterator[Server]:
    """Serves until the block ends; then every session must have ended and every slot come back, by itself."""
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            server: Server = await nursery.start(serve, settings)
            yield server
            await all_over(server)
            assert server.reactor.crashes == crashes
            nursery.cancel_scope.cancel()


def slots(server: Server) -> int:
    return sum(backend.taken for pool in server.pools.values() for backend in pool.backends)


async def until(condition: Callable[[], bool]) -> None:
    """For what shows itself only in memory: looks again whenever other tasks have run."""
    with trio.fail_after(DEADLINE):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await trio.sleep(0.002)


async def all_over(server: Server) -> None:
    await until(lambda: server.active == 0)
    assert slots(server) == 0
    assert all(pool.waiting == 0 for pool in server.pools.values())
    assert all(len(frontend.clients) == 0 for frontend in server.frontends.values())
    assert all(b.taken == 0 for pool in server.pools.values() for b in pool.backends)


def outcomes(server: Server) -> dict[str, int]:
    return dict(server.frontends["web"].outcomes)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.exc_info]


# ---------------------------------------------------------------------- one end of a connection


class Wire:
    """A stream with what tests want of it. Raises trio.BrokenResourceError after a reset."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.sock = stream.socket
        self.buffer = b""

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def send_slowly(self, data: bytes) -> None:
        """One byte per segment; whoever reads has had the chance to read each alone."""
        for start in range(len(data)):
            await self.stream.send_all(data[start : start + 1])
            await trio.lowlevel.checkpoint()

    async def more(self) -> bool:
        data = await self.stream.receive_some(65536)
        self.buffer += data
        return bool(data)

    async def until(self, end: bytes) -> bytes:
        """Up to and with `end`; what came behind it stays. Raises EOFError if the stream ends before."""
        while end not in self.buffer:
            if not await self.more():
                raise EOFError(self.buffer)
        at = self.buffer.index(end) + len(end)
        found, self.buffer = self.buffer[:at], self.buffer[at:]
        return found

    async def exactly(self, size: int) -> bytes:
        while len(self.buffer) < size:
            if not await self.more():
                raise EOFError(self.buffer)
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    async def rest(self) -> bytes:
        """To the end of the stream."""
        while await self.more():
            pass
        found, self.buffer = self.buffer, b""
        return found

    async def head(self) -> bytes:
        return await self.until(b"\r\n\r\n")

    async def request(self) -> tuple[bytes, bytes]:
        """Head and body of a request; the body undone of its chunks."""
        head = await self.head()
        body = await self.body(head)
        return head, undo_chunks(body) if b"Transfer-Encoding: chunked" in head else body

    async def response(self, *, to_head: bool = False) -> tuple[bytes, bytes]:
        """Of a response; body undone of its chunks."""
        head = await self.head()
        if to_head or head[9:12] in (b"204", b"304") or head[9:10] == b"1":
            return head, b""
        if b"Transfer-Encoding: chunked" in head:
            return head, undo_chunks(await self.body(head))
        if b"Content-Length: " not in head:
            return head, await self.rest()
        return head, await self.body(head)

    async def body(self, head: bytes) -> bytes:
        """As it comes, with its chunks."""
        if b"Transfer-Encoding: chunked" in head:
            pieces: list[bytes] = []
            while pieces[-2:-1] != [b"0\r\n"]:
                line = await self.until(b"\r\n")
                pieces += line, await self.exactly(int(line, 16) + 2)
            return b"".join(pieces)
        length = head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
        return await self.exactly(int(length or 0))

    async def ended(self) -> bool:
        """Whether the other side ended cleanly (True) or by a reset (False); nothing else may come."""
        try:
            assert await self.rest() == b""
        except trio.BrokenResourceError:
            return False
        return True

    def reset(self) -> None:
        """Closes with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.sock.close()

    async def end(self) -> None:
        """Half-close."""
        await self.stream.send_eof()


def undo_chunks(data: bytes) -> bytes:
    pieces, at = [], 0
    while True:
        end = data.index(b"\r\n", at)
        size = int(data[at:end], 16)
        if size == 0:
            return b"".join(pieces)
        pieces.append(data[end + 2 : end + 2 + size])
        at = end + 2 + size + 2


async def dial(address: Address) -> Wire:
    """Raises OSError."""
    if isinstance(address, UnixAddress):
        family: int = socket.AF_UNIX
        name: str | tuple[str, int] = address.sockaddr
    else:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        name = (address.host, address.port)
    sock = trio.socket.socket(family)
    try:
        await sock.connect(name)
    except BaseException:
        sock.close()
        raise
    return Wire(trio.SocketStream(sock))


@asynccontextmanager
async def client(server: Server | Address) -> AsyncIterator[Wire]:
    wire = await dial(server.addresses["web"][0] if isinstance(server, Server) else server)
    try:
        yield wire
    finally:
        wire.close()


async def ask(server: Server, data: bytes = GET) -> tuple[bytes, bytes]:
    """One request on a connection of its own."""
    async with client(server) as wire:
        await wire.send(data)
        return await wire.response(to_head=data.startswith(b"HEAD"))


def status(head: bytes) -> int:
    return int(head[9:12])


def reason(head: bytes) -> str:
    """Phase and reason of an error page."""
    return head.partition(b"X-Rproxy-Error: ")[2].partition(b"\r\n")[0].decode()


# ---------------------------------------------------------------------- backends


class Scripted:
    """connections: how many were accepted; open: how many are; requests: heads seen, by scripts that note them."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.connections = 0
        self.open = 0
        self.requests: list[bytes] = []


@asynccontextmanager
async def backend(script: Callable[[Wire], Awaitable[None]], path: str = "") -> AsyncIterator[Scripted]:
    """Runs `script` for every connection until the block ends. A connection that breaks ends its script quietly."""
    sock = trio.socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    await sock.bind(path or ("127.0.0.1", 0))
    sock.listen(4096)
    scripted = Scripted(UnixAddress(path) if path else TcpAddress(*sock.getsockname()))

    async def run(stream: trio.SocketStream) -> None:
        scripted.connections += 1
        scripted.open += 1
        wire = Wire(stream)
        try:
            await script(wire)
        except (EOFError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            scripted.open -= 1
            wire.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, run, [trio.SocketListener(sock)])
        yield scripted
        nursery.cancel_scope.cancel()


@contextmanager
def unanswering() -> Iterator[TcpAddress]:
    """An address that answers no SYN: the accept queue is full, and nobody accepts."""
    with unanswering_socket() as listening:
        yield TcpAddress(*listening.getsockname())


@contextmanager
def unanswering_socket() -> Iterator[socket.socket]:
    """The same with its socket: closed, it answers the next SYN, which comes after a second, with a refusal."""
    with socket.socket() as listening, ExitStack() as stack:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        yield listening


@contextmanager
def full_backlog(path: str) -> Iterator[socket.socket]:
    """A Unix socket whose queue is full: a connect gets EAGAIN until somebody accepts the one connection in it."""
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as filler:
        listening.bind(path)
        listening.listen(0)
        filler.connect(path)
        listening.settimeout(DEADLINE)
        yield listening


async def hello(wire: Wire) -> None:
    """Answers every request with `ok`."""
    while True:
        await wire.request()
        await wire.send(OK)


def always(answer: bytes, *, then_close: bool = False) -> Callable[[Wire], Awaitable[None]]:
    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.send(answer)
            if then_close:
                return

    return script


async def echo(wire: Wire) -> None:
    """What comes goes back, the end too."""
    while data := await wire.stream.receive_some(65536):
        await wire.send(data)
    await wire.end()


async def silent(wire: Wire) -> None:
    """Says nothing until the other side leaves."""
    await wire.rest()


class Gate:
    """A backend's script that says when a request is there and answers when it is told."""

    def __init__(self, answer: bytes = OK) -> None:
        self.arrived = 0
        self.answer = answer
        self._open = trio.Event()

    async def __call__(self, wire: Wire) -> None:
        while True:
            await wire.request()
            self.arrived += 1
            await self._open.wait()
            await wire.send(self.answer)

    def open(self) -> None:
        self._open.set()
