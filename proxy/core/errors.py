"""What can go wrong with a session or an exchange: whose side, at which step, which status the client gets."""

from __future__ import annotations

from typing import Literal

Side = Literal["downstream", "upstream", "internal"]
# The steps of an exchange, DESIGN section 6; the same names stand in logs, metrics and the README's picture.
Phase = Literal["accept", "admit", "read", "parse", "route", "pick", "dial", "write", "answer", "tunnel"]


class ProxyError(Exception):
    """Why a session or an exchange ended before its time.

    side: who failed; phase: at which step; reason: a short code for logs and error pages, `connect-refused`;
    status: what the client is told when its answer has not begun; retryable: nothing of the request can have been
    acted upon, so another backend may be tried whatever the method; backend: its address, when one was chosen.
    """

    side: Side = "internal"
    phase: Phase = "read"
    reason = "error"
    status = 500
    retryable = False

    def __init__(self, reason: str = "", detail: str = "", *, backend: str = "", phase: Phase | None = None) -> None:
        super().__init__(detail or reason or self.reason)
        self.reason = reason or self.reason
        self.detail = detail
        self.backend = backend
        self.phase = phase or self.phase

    def __str__(self) -> str:
        return f"{self.side} {self.phase} {self.reason}" + (f": {self.detail}" if self.detail else "")


class BadRequest(ProxyError):
    """The client's bytes are not a request that we would pass on (RFC 9112)."""

    side, phase, reason, status = "downstream", "parse", "bad-request", 400

    def __init__(self, reason: str, detail: str = "", *, status: int = 400) -> None:
        super().__init__(reason, detail)
        self.status = status


class BadHello(ProxyError):
    """The client's first bytes are not a TLS ClientHello that can be routed by. It is told nothing: it speaks TLS."""

    side, phase, reason, status = "downstream", "parse", "client-hello", 400


class BadHandshake(ProxyError):
    """The TLS handshake with the client failed. It was told by an alert, if by anything."""

    side, phase, reason, status = "downstream", "accept", "tls-handshake", 400


class ClientGone(ProxyError):
    """The client closed or reset its connection before it had its answer. 499 appears in logs only, as in nginx."""

    side, phase, reason, status = "downstream", "read", "client-gone", 499


class ClientTimeout(ProxyError):
    """The client was silent for too long in the middle of a request (RFC 9110 section 15.5.9)."""

    side, phase, reason, status = "downstream", "read", "client-timeout", 408


class Denied(ProxyError):
    """Whoever connects may not: by `allow` and `deny`, or because it states addresses and is not trusted to."""

    side, phase, reason, status = "downstream", "admit", "address-denied", 403

    @classmethod
    def of(cls, host: str) -> Denied:
        """host: "" for a client of a Unix socket."""
        return cls("address-denied", f"{host or 'a Unix socket'} may not come in")


class TooManyConnections(ProxyError):
    """The client's address has as many as one may have (RFC 6585 section 4)."""

    side, phase, reason, status = "downstream", "admit", "too-many-connections", 429


class CrowdedOut(ProxyError):
    """The frontend was full, and nobody had waited longer for the rest of a request. Nothing is answered."""

    side, phase, reason, status = "downstream", "admit", "crowded-out", 503


class BadProxyHeader(ProxyError):
    """A connection that should begin with a PROXY header does not. Nothing is answered."""

    side, phase, reason, status = "downstream", "accept", "proxy-header-syntax", 400


class NoRoute(ProxyError):
    """No route matches and the frontend names no pool."""

    side, phase, reason, status = "internal", "route", "no-route", 404


class NoBackend(ProxyError):
    """No backend is ready: all are unhealthy or draining, or the wait for a full one was too long."""

    side, phase, reason, status = "upstream", "pick", "no-backend", 503


class ConnectFailed(ProxyError):
    """No connection to the backend came about, so that nothing was sent: another one may always be tried."""

    side, phase, reason, status, retryable = "upstream", "dial", "connect-failed", 502, True


class NoRoom(ConnectFailed):
    """Not the backend's illness: its queue is full, or this machine is out of descriptors or local ports."""

    reason, status = "no-room", 503


class ConnectTimeout(ConnectFailed):
    """The backend did not complete the handshake in time."""

    reason, status = "connect-timeout", 504


class TlsFailed(ConnectFailed):
    """No TLS came about with the backend, or its certificate is not one that may be trusted."""

    reason = "tls-handshake"


class BackendClosed(ProxyError):
    """The backend's connection ended or broke before its response was complete."""

    side, phase, reason, status = "upstream", "answer", "backend-closed", 502


class BadResponse(ProxyError):
    """The backend's bytes are not a response that we would pass on."""

    side, phase, reason, status = "upstream", "parse", "bad-response", 502


class BackendTimeout(ProxyError):
    """The backend was silent for too long."""

    side, phase, reason, status = "upstream", "answer", "backend-timeout", 504


class Draining(ProxyError):
    """The deadline of a shutdown cut the session."""

    side, phase, reason, status = "internal", "answer", "shutdown", 503


REASON_PHRASES = {
    400: "Bad Request", 403: "Forbidden", 404: "Not Found", 408: "Request Timeout", 413: "Content Too Large",
    417: "Expectation Failed", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}  # fmt: skip


def status_for(error: ProxyError) -> int:
    """The status that the client is told; 499 and others without a phrase are never sent."""
    return error.status


def error_page(error: ProxyError, *, keep_alive: bool = False, is_head: bool = False) -> bytes:
    """A complete HTTP/1.1 response for `error`: status, phase and reason, nothing about the inside of the house."""
    status = status_for(error)
    phrase = REASON_PHRASES[status]
    body = f"{status} {phrase}\n{error.phase}: {error.reason}\n".encode()
    close = "" if keep_alive else "Connection: close\r\n"
    retry = "Retry-After: 1\r\n" if status in (429, 503) else ""
    head = (
        f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f"Cache-Control: no-store\r\nX-Rproxy-Error: {error.phase}/{error.reason}\r\n{retry}{close}\r\n"
    )
    return head.encode() if is_head else head.encode() + body
