"""A WebSocket server that sends back what it gets, on the `websockets` library: python -m tests.clients.websocket_echo
HOST:PORT. It bears what the Autobahn cases send: large messages, and compression."""

from __future__ import annotations

import asyncio
import logging
import sys

from websockets.asyncio.server import ServerConnection, serve


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def main(host: str, port: int) -> None:
    async with serve(echo, host, port, max_size=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # every other case is a client that breaks the protocol
    host, _, port = sys.argv[1].rpartition(":")
    asyncio.run(main(host, int(port)))
