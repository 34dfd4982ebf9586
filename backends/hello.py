"""An HTTP/1.1 server that tells what it received, and from which process: the load target and the mirror of the tests.

python -m backends.hello --listen 127.0.0.1:9001 --name one
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

from backends import pseudo_random
from backends._exchange import BINARY, TEXT, Exchange
from backends._http import Route, Server
from backends._listen import address_of, announce, exit_on_sigterm, inherited, listening
from backends._options import Options, options_of, work
from backends._tunnel import open_raw, open_websocket

if TYPE_CHECKING:
    import socket
    from collections.abc import Coroutine, Iterable, Sequence

BLOCK = b"x" * pseudo_random.BLOCK


def filler(size: int) -> Iterable[bytes]:
    for start in range(0, size, len(BLOCK)):
        yield BLOCK[: size - start]


class Hello:
    """The application: handlers by path."""

    def __init__(self, name: str, address: str, options: Options, keep_alive: float) -> None:
        self._identity = {"pid": os.getpid(), "worker": name, "address": address}
        self._options = options
        self._count = 0
        self.server = Server(self.route, keep_alive)
        self._default = Route(self.hello)
        self._routes = {
            b"/healthz": Route(lambda exchange: exchange.answer(200, b"ok\n", TEXT)),
            b"/echo": Route(self.echo, is_streamed=True),
            b"/sink": Route(self.sink),
            b"/bytes": Route(self.bytes),
            b"/websocket": Route(lambda exchange: open_websocket(exchange, self.server.connections)),
            b"/upgrade-echo": Route(lambda exchange: open_raw(exchange, self.server.connections)),
        }

    def route(self, path: bytes) -> Route:
        return self._routes.get(path, self._default)

    def hello(self, exchange: Exchange) -> Coroutine[Any, Any, None] | None:
        """The common case goes without a task: a load target must not be the slowest part of what is measured."""
        self._count += 1
        try:
            options = options_of(exchange.query, self._options)
        except ValueError as error:
            exchange.answer(400, f"{error}\n".encode(), TEXT)
            return None
        exchange.keep_alive = exchange.keep_alive and not options.close
        if options.delay or options.chunked or (options.size or 0) > len(BLOCK):
            return self._hello_slowly(exchange, options)
        work(options)
        exchange.answer(options.status, self._body(exchange) if options.size is None else BLOCK[: options.size])
        return None

    async def _hello_slowly(self, exchange: Exchange, options: Options) -> None:
        await asyncio.sleep(options.delay)
        work(options)
        if options.size is None:
            body = self._body(exchange)
            await send(exchange, options, [body], len(body))
        else:
            await send(exchange, options, filler(options.size), options.size)

    def _body(self, exchange: Exchange) -> bytes:
        report = self._identity | {
            "count": self._count,
            "method": exchange.method.decode("latin-1"),
            "path": exchange.path.decode("latin-1"),
            "query": exchange.query.decode("latin-1"),
            "version": exchange.version,
            "headers": _as_text(exchange.headers),
            "trailers": _as_text(exchange.trailers),
            "body_length": exchange.body_length,
            "body_sha256": exchange.body_sha256,
        }
        return json.dumps(report).encode() + b"\n"

    def sink(self, exchange: Exchange) -> None:
        report = {"body_length": exchange.body_length, "body_sha256": exchange.body_sha256}
        exchange.answer(200, json.dumps(report).encode() + b"\n")

    async def echo(self, exchange: Exchange) -> None:
        exchange.begin(200, BINARY)
        while block := await exchange.read():
            await exchange.write(block)
        exchange.end()

    async def bytes(self, exchange: Exchange) -> None:
        try:
            options = options_of(exchange.query, self._options._replace(size=self._options.size or 0))
        except ValueError as error:
            exchange.answer(400, f"{error}\n".encode(), TEXT)
            return
        assert options.size is not None
        await send(exchange, options, pseudo_random.blocks(options.size, options.seed), options.size)


async def send(exchange: Exchange, options: Options, blocks: Iterable[bytes], size: int) -> None:
    exchange.begin(options.status, BINARY, None if options.chunked else size)
    for block in blocks:
        await exchange.write(block)
    exchange.end()


def _as_text(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def arguments(program: str) -> argparse.ArgumentParser:
    """The options of every server that is `hello` behind some other way of getting its socket."""
    parser = argparse.ArgumentParser(prog=f"python -m backends.{program}")
    parser.add_argument("--name", default=program, help="the worker's name in its answers")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="sleep before answering")
    parser.add_argument("--cpu", type=float, default=0.0, metavar="SECONDS", help="burn CPU before answering")
    parser.add_argument("--size", type=int, metavar="BYTES", help="answer a body of that size instead of the JSON")
    parser.add_argument("--chunked", action="store_true", help="answer with chunked bodies")
    parser.add_argument(
        "--keep-alive", type=float, default=75.0, metavar="SECONDS", help="how long a connection may idle; 0 = off"
    )
    return parser


def application(args: argparse.Namespace, sock: socket.socket) -> Hello:
    options = Options(delay=args.delay, cpu=args.cpu, size=args.size, chunked=args.chunked)
    return Hello(args.name, address_of(sock), options, args.keep_alive)


def main() -> None:
    parser = arguments("hello")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--listen", metavar="ADDRESS", help="host:port, unix:/path or unix:@name")
    place.add_argument("--fd", type=int, metavar="N", help="a listening socket that we inherited as descriptor N")
    parser.add_argument("--reuseport", action="store_true", help="share the port with others that say so too")
    args = parser.parse_args()
    exit_on_sigterm()  # until the event loop takes over: we can be found, and so ended, as soon as we listen
    with inherited(args.fd) if args.fd is not None else listening(args.listen, reuseport=args.reuseport) as sock:
        announce(args.name, sock)
        asyncio.run(application(args, sock).server.serve(sock))


if __name__ == "__main__":
    main()
