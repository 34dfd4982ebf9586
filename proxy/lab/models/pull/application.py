"""The application of one worker, asked over a connection that is kept."""

from __future__ import annotations

import trio

from proxy.core.address import parse_address
from proxy.lab.models.pull.broker import LARGEST
from proxy.lab.models.pull.dial import Stream, dial
from proxy.lab.models.pull.responses import Response, plain
from proxy.lab.response_heads import Garbled, ResponseHeads

_LOOK = 0.005  # seconds between two attempts to connect


class ApplicationGone(Exception):
    """Nobody listens there any more."""


class Application:
    """address: where it listens. One request at a time."""

    def __init__(self, address: str) -> None:
        """Raises AddressError."""
        parse_address(address)
        self._address = address
        self._heads = ResponseHeads()
        self._stream: Stream | None = None

    async def connect(self) -> Stream:
        """Unless it is connected. Raises ApplicationGone."""
        if self._stream is None:
            try:
                self._stream = await dial(self._address)
            except OSError as error:
                raise ApplicationGone(f"{self._address}: {error.strerror}") from None
        return self._stream

    async def wait(self, deadline: float) -> None:
        """Until it is connected: whoever is started at the same time listens a little later. Raises ApplicationGone
        after `deadline` seconds."""
        end = trio.current_time() + deadline
        while True:
            try:
                await self.connect()
            except ApplicationGone:
                if trio.current_time() > end:
                    raise
                await trio.sleep(_LOOK)
            else:
                return

    async def ask(self, request: bytes) -> bytes:
        """Its response, or ours that says what was wrong with it. A kept connection that it has closed by now is no
        error. Cancelling it ends the connection. Raises ApplicationGone."""
        while True:
            is_new = self._stream is None
            stream = await self.connect()
            try:
                if (content := await self._exchange(stream, request)) is not None:
                    return content
            except Garbled as error:
                self.close()
                return plain(502, f"the application answered no response: {error}")
            if is_new:
                await self.connect()  # raises if it is dead
                return plain(502, "the application closed the connection without a response")

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    async def _exchange(self, stream: Stream, request: bytes) -> bytes | None:
        """None when the connection ended first. Raises Garbled."""
        response = Response(self._heads, LARGEST, is_to_head=request.startswith(b"HEAD "))
        is_whole = False
        try:
            await stream.send(request)
            while data := await stream.receive():
                if is_whole := response.feed(data):
                    break
            else:
                is_whole = response.end()
        except OSError:
            pass
        finally:
            if not (is_whole and response.keep_alive):
                self.close()
        return response.content if is_whole else None
