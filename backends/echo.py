"""A TCP echo server, for the tests of plain relaying.

python -m backends.echo --listen 127.0.0.1:9001 --prefix one
"""

from __future__ import annotations

import argparse
import asyncio
import signal

from backends._listen import BACKLOG, announce, listening


class Echo(asyncio.Protocol):
    """After the end of the client's side asyncio writes what is left and closes, which sends our FIN."""

    def __init__(self, greeting: bytes) -> None:
        self._greeting = greeting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._greeting:
            transport.write(self._greeting)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)

    def pause_writing(self) -> None:
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._transport.resume_reading()


async def serve(args: argparse.Namespace) -> None:
    greeting = args.prefix.encode() + b"\n" if args.prefix else b""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    with listening(args.listen, reuseport=args.reuseport) as sock:
        server = await loop.create_server(lambda: Echo(greeting), sock=sock, backlog=BACKLOG)
        announce("echo", sock)
        await stopping.wait()
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m backends.echo")
    parser.add_argument("--listen", required=True, metavar="ADDRESS", help="host:port, unix:/path or unix:@name")
    parser.add_argument("--prefix", default="", metavar="NAME", help="write this line first, before the client speaks")
    parser.add_argument("--reuseport", action="store_true", help="share the port with others that say so too")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
