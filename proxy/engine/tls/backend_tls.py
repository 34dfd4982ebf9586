"""TLS towards backends: what all connections to one of them share, and the socket that speaks it."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress
from proxy.core.config.problem import Finding
from proxy.core.errors import ConnectFailed, TlsFailed
from proxy.engine.backend import connect_failed
from proxy.engine.tls.tls_socket import TlsSocket, Truncated

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from proxy.core.address import Address
    from proxy.core.config import Config, PoolTls
    from proxy.core.config.positions import Path
    from proxy.core.pool import Backend
    from proxy.engine.reactor import Reactor

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class TlsFileError(Exception):
    """A file that TLS needs has not what it should have; the message is one line that names it. setting: which one."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(message)
        self.setting = setting


def check_contexts(config: Config) -> Iterator[Finding]:
    """Everything in files that would keep the server from starting."""
    for name, pool in config.pools.items():
        path: Path = ("pools", name)
        yield from _check_context(pool.tls, (*path, "tls"))
        if pool.health_check is not None:
            yield from _check_context(pool.health_check.tls, (*path, "health_check", "tls"))


def _check_context(settings: PoolTls | None, path: Path) -> Iterator[Finding]:
    try:
        if settings is not None:
            make_context(settings)
    except TlsFileError as error:
        yield Finding(path=(*path, error.setting), message=str(error))


def make_context(settings: PoolTls) -> ssl.SSLContext:
    """Reads the files. Raises TlsFileError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[settings.minimum_version]
    context.options |= ssl.OP_NO_RENEGOTIATION
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif settings.ca is None:
        context.load_default_certs()
    else:
        with _reading("ca", settings.ca):
            context.load_verify_locations(settings.ca)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # what stands in the file is trusted, roots or not
    if settings.certificate is not None:
        with _reading("certificate", settings.certificate), open(settings.certificate, "rb"):
            pass  # what OpenSSL says does not tell which of the two files it cannot find
        with _reading("key" if settings.key else "certificate", settings.key or settings.certificate):
            # With a passphrase, if an empty one: OpenSSL would ask for it on the terminal.
            context.load_cert_chain(settings.certificate, settings.key, password="")
    return context


@contextmanager
def _reading(setting: str, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # ssl.SSLError is one, and knows the name of no file
        raise TlsFileError(setting, f"{name}: {_words(error)}") from error


def _words(error: OSError) -> str:
    """Of OpenSSL its reason, `KEY_VALUES_MISMATCH`: what it says around it is of no use to anybody."""
    reason: str | None = getattr(error, "reason", None)
    if reason:
        return reason.replace("_", " ").lower()
    return "not what it should be, in PEM" if isinstance(error, ssl.SSLError) else error.strerror or str(error)


class BackendTls:
    """server_name: asked for and compared, or an IP address that is compared only (RFC 9110 section 4.3.5). session: of
    an earlier connection, which makes the next handshake cheap."""

    __slots__ = ("context", "server_name", "session")

    def __init__(self, context: ssl.SSLContext, settings: PoolTls, address: Address) -> None:
        self.context = context
        self.server_name = settings.server_name or (address.host if isinstance(address, TcpAddress) else None)
        self.session: ssl.SSLSession | None = None

    def wrap(self, sock: socket.socket, reactor: Reactor) -> DialledTls:
        return DialledTls(sock, self, reactor)


class DialledTls(TlsSocket):
    """Takes nothing to send until the handshake is complete, as a socket whose connection is still being made."""

    __slots__ = ("_backend", "is_complete")

    def __init__(self, sock: socket.socket, backend: BackendTls, reactor: Reactor) -> None:
        super().__init__(sock, backend.context, reactor, server_side=False, server_hostname=backend.server_name)
        self._backend = backend
        self.is_complete = False
        if backend.session is not None:
            self.tls.session = backend.session

    def handshake(self) -> bool:
        self.is_complete = super().handshake()
        return self.is_complete

    def send(self, data: bytes | memoryview) -> int:
        if not self.is_complete:
            raise BlockingIOError
        return super().send(data)

    def close(self) -> None:
        """By now the tickets of TLS 1.3 have come, which makes the next handshake a short one. A session that was
        good for this one is good for the next, and the copy of another would cost 0.1 ms."""
        if self.is_complete and not self.tls.session_reused:
            session = self.tls.session
            if session is not None and (session.has_ticket or session.id):
                self._backend.session = session
        super().close()


def handshake_failed(error: OSError, backend: Backend) -> ConnectFailed:
    """The reason code for what OpenSSL or the kernel said before the handshake was complete."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TlsFailed("tls-certificate", error.verify_message, backend=backend.name)
    if isinstance(error, (ssl.SSLError, Truncated, ConnectionResetError, BrokenPipeError)):
        return TlsFailed(detail=_words(error), backend=backend.name)
    return connect_failed(error, backend)
