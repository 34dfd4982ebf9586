"""Who the client of a request is, by what trusted proxies say, and what backends are told of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy.core.client.claims import TOKEN, Claims

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core.client.claims import Hop, Style
    from proxy.core.client.networks import Networks
    from proxy.core.client.peer import Peer

_NOTHING = Claims()


def client_of(peer_host: str, claims: Claims | None, trusted: Networks, style: Style) -> str:
    """The nearest address that is not trusted; the farthest one there is if all are. From there on anybody could have
    written what stands before it."""
    hops: Sequence[Hop] = () if claims is None else claims.elements if style == "rfc7239" else claims.hops
    client = peer_host
    for hop in reversed(hops):
        if client not in trusted or not hop.host:
            break
        client = hop.host
    return client


class Teller:
    """Tells backends of the client of one connection. by and proto: of this connection, for want of better claims;
    a certificate is always its own."""

    __slots__ = ("_certificate", "_own", "_peer_host", "_scheme", "_style")

    def __init__(self, style: Style, peer: Peer) -> None:
        self._style = style
        self._peer_host = peer.host.partition("%")[0].encode()
        self._scheme = peer.scheme.encode()
        self._certificate = peer.tls.fields if peer.tls else b""
        parts = [b"for=" + _node(peer.host)]
        if peer.local_host:
            parts.append(b"by=" + _node(peer.local_host, peer.local_port))
        self._own = b";".join([*parts, b"proto=" + self._scheme])

    def fields(self, claims: Claims | None, host: bytes) -> bytes:
        """Whole lines. host: that of the request."""
        claims = claims or _NOTHING
        lines = b""
        if self._style != "rfc7239":
            lines = self._x_forwarded(claims, host)
        if self._style != "x-forwarded":
            own = self._own + (b";host=" + _value(host) if host else b"")
            lines += b"Forwarded: " + b", ".join([*(hop.text for hop in claims.elements), own]) + b"\r\n"
        return lines + self._certificate

    def _x_forwarded(self, claims: Claims, host: bytes) -> bytes:
        chain = [hop.text for hop in claims.hops]
        if self._peer_host:
            chain.append(self._peer_host)
        return b"".join(
            (
                b"X-Forwarded-For: %b\r\n" % b", ".join(chain) if chain else b"",
                b"X-Forwarded-Proto: %b\r\n" % (claims.proto or self._scheme),
                b"X-Forwarded-Host: %b\r\n" % (claims.host or host or b"localhost"),
            )
        )


def _node(host: str, port: int = 0) -> bytes:
    """RFC 7239 section 6: what holds a colon is quoted, and IPv6 stands in brackets."""
    if not host:
        return b"unknown"
    address = host.partition("%")[0]
    text = f"[{address}]" if ":" in address else address
    return _value(f"{text}:{port}".encode() if port else text.encode())


def _value(text: bytes) -> bytes:
    """A token, or a quoted string; the Host field's grammar has nothing that would need a backslash."""
    return text if re.fullmatch(TOKEN, text) else b'"' + text + b'"'
