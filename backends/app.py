"""One small application for the servers that people deploy: `app` is ASGI, with WebSocket, and `wsgi` is WSGI.

uvicorn --uds /tmp/app.sock backends.app:app
gunicorn --bind unix:/tmp/app.sock backends.app:wsgi

The last part of the path chooses: `stream` answers in pieces, `websocket` echoes, all else tells what was received.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

PIECES = 16
PIECE = b"x" * 4095 + b"\n"


class Body:
    """Length and checksum of what a client sends; the bytes themselves are forgotten."""

    def __init__(self) -> None:
        self.length = 0
        self._digest = hashlib.sha256()

    def feed(self, block: bytes) -> None:
        self.length += len(block)
        self._digest.update(block)

    def report(self, interface: str, method: str, path: str) -> bytes:
        """The answer: the same names as those of `backends.hello`."""
        received = {"body_length": self.length, "body_sha256": self._digest.hexdigest()}
        return json.dumps(
            {"pid": os.getpid(), "interface": interface, "method": method, "path": path, **received}
        ).encode() + b"\n"  # fmt: skip


def action_of(path: str) -> str:
    return path.rpartition("/")[2]


# ASGI.


async def app(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await live(receive, send)
    elif scope["type"] == "websocket":
        await echo(receive, send)
    elif action_of(scope["path"]) == "stream":
        await stream(send)
    else:
        await report(scope, receive, send)


async def live(receive: Receive, send: Send) -> None:
    """Servers tell when they start and when they end, and wait for what we say to it."""
    kind = ""
    while kind != "lifespan.shutdown":
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})


async def echo(receive: Receive, send: Send) -> None:
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        payload = {key: message[key] for key in ("text", "bytes") if message.get(key) is not None}
        await send({"type": "websocket.send", **payload})


async def stream(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for _ in range(PIECES):
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def report(scope: Message, receive: Receive, send: Send) -> None:
    body = Body()
    is_more = True
    while is_more:
        message = await receive()
        body.feed(message.get("body", b""))
        is_more = message.get("more_body", False)
    answer = body.report("asgi", scope["method"], scope["path"])
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


# WSGI.


def wsgi(environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if action_of(path) == "stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (PIECE for _ in range(PIECES))
    body = Body()
    for block in blocks(environ["wsgi.input"]):
        body.feed(block)
    answer = body.report("wsgi", environ["REQUEST_METHOD"], path)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]


def blocks(source: BinaryIO) -> Iterator[bytes]:
    """Until the end, which the server marks for chunked bodies too."""
    while block := source.read(64 * 1024):
        yield block
