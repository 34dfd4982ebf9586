"""Certificates for tests: an authority that this process made, what it has signed, and contexts that believe it."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

import trio
import trustme

from tests.engine.support import Scripted, Wire, backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path


@cache
def authority(name: str = "tests") -> trustme.CA:
    return trustme.CA(organization_name=name)


@cache
def certificate(*names: str, signed_by: str = "tests") -> trustme.LeafCert:
    """names: of hosts, or IP addresses. A key on P-256."""
    return authority(signed_by).issue_cert(*names)


def write_certificate(directory: Path, *names: str, stem: str = "server") -> tuple[str, str]:
    """The files of a certificate with its chain, and of its key."""
    leaf, cert, key = certificate(*names), directory / f"{stem}.pem", directory / f"{stem}.key"
    cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(str(key))
    return str(cert), str(key)


def write_authority(directory: Path, name: str = "tests") -> str:
    path = directory / f"{name}-ca.pem"
    authority(name).cert_pem.write_to_path(str(path))
    return str(path)


def server_context(*names: str, signed_by: str = "tests") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate(*(names or ("localhost",)), signed_by=signed_by).configure_cert(context)
    return context


def client_context(trusts: str = "tests") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority(trusts).configure_trust(context)
    return context


def authority_pem(name: str = "tests") -> str:
    return authority(name).cert_pem.bytes().decode()


class TlsWire(Wire):
    """Its end, and the end of its script, is close_notify."""

    def __init__(self, stream: trio.SSLStream[trio.SocketStream]) -> None:
        self.stream = stream  # type: ignore[assignment] # all that a Wire wants of it, it has
        self.sock = stream.transport_stream.socket
        self.buffer = b""

    async def end(self) -> None:
        await self.stream.aclose()


class TlsBackend(Scripted):
    """failed: handshakes that did not come about; resumed: those that went on from an earlier one."""

    failed = 0
    resumed = 0


@asynccontextmanager
async def tls_backend(
    script: Callable[[Wire], Awaitable[None]], context: ssl.SSLContext, path: str = ""
) -> AsyncIterator[TlsBackend]:
    """As `backend`, behind a handshake."""

    async def behind_tls(wire: Wire) -> None:
        stream = trio.SSLStream(wire.stream, context, server_side=True)
        try:
            await stream.do_handshake()
        except trio.BrokenResourceError:
            counts.failed += 1
            return
        counts.resumed += stream.session_reused
        tls_wire = TlsWire(stream)
        await script(tls_wire)
        await tls_wire.end()

    async with backend(behind_tls, path) as scripted:
        counts = TlsBackend(scripted.address)
        yield counts
        counts.connections = scripted.connections
