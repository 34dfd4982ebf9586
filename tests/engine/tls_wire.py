"""A client that speaks TLS and can do what libraries do not let one: end one direction, or leave without a word."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio

from proxy.core.config import Certificate, FrontendTls
from tests.engine.support import Wire, dial
from tests.tls import client_context, write_authority, write_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from proxy.core.address import Address
    from proxy.serve.server import Server


def tls_settings(directory: Path, *names: str, **more: Any) -> FrontendTls:
    """A frontend's, with one certificate for `names`."""
    cert, key = write_certificate(directory, *(names or ("localhost",)))
    if more.get("client_certificates"):
        more["client_ca"] = write_authority(directory)
    return FrontendTls(certificates=(Certificate(certificate=cert, key=key),), **more)


class TlsStream:
    """As much of a stream as `Wire` uses. An end without close_notify is a trio.BrokenResourceError."""

    def __init__(self, raw: trio.SocketStream, context: ssl.SSLContext, name: str | None, session: Any) -> None:
        self.raw = raw
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name, session=session)
        self.kept = bytearray()  # decrypted, to be returned first

    async def handshake(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._more()
            else:
                await self._flush()
                return

    async def send_all(self, data: bytes) -> None:
        for start in range(0, len(data), 16384):
            self.tls.write(data[start : start + 16384])
        await self._flush()

    async def receive_some(self, size: int) -> bytes:
        if self.kept:
            data = bytes(self.kept[:size])
            del self.kept[:size]
            return data
        while True:
            try:
                return self.tls.read(size)
            except ssl.SSLWantReadError:
                await self._more()
            except ssl.SSLZeroReturnError:
                return b""

    async def send_eof(self) -> None:
        """close_notify; the TCP connection stays open both ways. `unwrap` looks for the peer's, and would take data
        that came before it for a breach: so that is read first."""
        try:
            while data := self.tls.read(65536):
                self.kept += data
        except ssl.SSLError:
            pass  # there is no more
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        await self._flush()

    async def _flush(self) -> None:
        if self.outgoing.pending:
            await self.raw.send_all(self.outgoing.read())

    async def _more(self) -> None:
        data = await self.raw.receive_some(65536)
        if not data:
            raise trio.BrokenResourceError("no close_notify")
        self.incoming.write(data)

    async def aclose(self) -> None:
        await self.raw.aclose()


class TlsWire(Wire):
    def __init__(self, stream: TlsStream) -> None:
        super().__init__(stream.raw)
        self.raw = stream.raw
        self.stream = stream  # type: ignore[assignment] # has the methods that are used
        self.tls = stream.tls


@asynccontextmanager
async def tls_client(
    server: Server | Address, context: ssl.SSLContext | None = None, name: str | None = "localhost", session: Any = None
) -> AsyncIterator[TlsWire]:
    """After the handshake. Raises ssl.SSLError."""
    raw = (await dial(server.addresses["web"][0] if hasattr(server, "addresses") else server)).stream
    try:
        stream = TlsStream(raw, context or client_context(), name, session)
        await stream.handshake()
        yield TlsWire(stream)
    finally:
        raw.socket.close()
