"""Who is at the other end of a client's connection, as far as we know and believe it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.core.client.proxy_protocol import ProxyHeader, Tlv
    from proxy.core.client.x509 import Certificate


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """version: `TLSv1.3`; cipher: as OpenSSL names it; certificate: the client's, verified, None if it showed none.
    fields: lines of a request head that tell backends of that, if the frontend asks for certificates."""

    version: str
    cipher: str
    certificate: Certificate | None = None
    fields: bytes = b""


class Peer:
    """One per connection. What stands between accept and the session (engine/arrival) may correct it and add to it.

    host, port: where the client connects from; "" and 0 for a Unix socket, whose clients have no address.
    local_host, local_port: what it connected to; never the unspecified address that a listener may have.
    is_hidden: a proxy connects, for somebody or for itself, and does not say for whom, so that `host` is its own. Of
    such a peer nothing is believed: HAProxy says the same of its clients on Unix sockets. came_by_tls: to us,
    or to the proxy that says so. tlvs: what else is known of it, in the words of PROXY headers.
    tls: what our handshake with it brought to light.
    counted_as: the client whose count of connections this one is in; "" when it is in none.
    """

    __slots__ = ("came_by_tls", "counted_as", "host", "is_hidden", "local_host", "local_port", "port", "tls", "tlvs")

    def __init__(self, host: str = "", port: int = 0, local_host: str = "", local_port: int = 0) -> None:
        self.host = host
        self.port = port
        self.local_host = local_host
        self.local_port = local_port
        self.is_hidden = self.came_by_tls = False
        self.tlvs: tuple[Tlv, ...] = ()
        self.counted_as = ""
        self.tls: TlsFacts | None = None

    @property
    def scheme(self) -> str:
        return "https" if self.came_by_tls else "http"

    def stated_by(self, header: ProxyHeader) -> Peer:
        """The client that this peer's PROXY header speaks of."""
        peer = Peer(self.host, self.port, self.local_host, self.local_port)
        peer.is_hidden = header.source is None or header.destination is None
        if header.source is not None and header.destination is not None:
            peer.host, peer.port = header.source
            peer.local_host, peer.local_port = header.destination
        peer.came_by_tls = header.is_tls
        peer.tlvs = header.tlvs
        return peer

    def speaking_for(self, host: str, *, came_by_tls: bool) -> Peer:
        """The client that one request of this peer names. Its port is not known."""
        if (host, came_by_tls) == (self.host, self.came_by_tls):
            return self
        peer = Peer(host, 0, self.local_host, self.local_port)
        peer.is_hidden = self.is_hidden
        peer.came_by_tls = came_by_tls
        peer.counted_as = self.counted_as
        return peer
