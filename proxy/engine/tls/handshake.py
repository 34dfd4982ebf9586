"""The TLS handshake with a client, between accept and session; from then on the session has a TlsSocket."""

from __future__ import annotations

import socket
import ssl
from functools import partial
from typing import TYPE_CHECKING

from proxy.core.client import x509
from proxy.core.client.certificate_fields import certificate_fields
from proxy.core.client.peer import TlsFacts
from proxy.core.client.proxy_header_writer import with_tls
from proxy.core.errors import BadHandshake, ClientGone, ClientTimeout, error_page
from proxy.engine.access_log import Unserved
from proxy.engine.arrival.stage import Stage
from proxy.engine.reactor import READ_WRITE
from proxy.engine.tls.tls_socket import TlsSocket, Truncated

if TYPE_CHECKING:
    from proxy.core.client.peer import Peer
    from proxy.engine.arrival.stage import Step
    from proxy.engine.frontend import Frontend
    from proxy.engine.sock import Sock

LINGER = 2.0  # seconds that a client has to take its error page and leave
_PLAIN_HTTP = {"HTTP_REQUEST", "HTTPS_PROXY_REQUEST"}  # OpenSSL knows GET, POST, HEAD, PUT and CONNECT


class TlsHandshake(Stage):
    """One handshake costs some 0.3 ms on P-256, in one piece: the others wait for that long."""

    __slots__ = ("_has_begun", "_is_refused", "_tls", "_watches_writing")

    def __init__(self, frontend: Frontend, sock: Sock, peer: Peer, then: Step, **chosen: object) -> None:
        """chosen: what a stage before this one has chosen for the session."""
        assert isinstance(sock, socket.socket)
        assert frontend.tls is not None
        self._tls = TlsSocket(sock, frontend.tls, frontend.reactor, server_side=True)
        self._has_begun = False
        self._is_refused = False
        self._watches_writing = False
        super().__init__(frontend, sock, peer, partial(then, **chosen) if chosen else then)

    def seconds(self) -> float:
        return self.frontend.config.timeouts.tls_handshake

    def on_event(self, mask: int) -> None:
        if self._is_refused:
            self._discard()
            return
        try:
            is_complete = self._tls.handshake()
        except ssl.SSLCertVerificationError as error:
            self.give_up(BadHandshake("client-certificate-refused", error.verify_message))
        except ssl.SSLError as error:
            self._refuse(error.reason or "")
        except Truncated:
            self.give_up(ClientGone(phase="accept") if self._has_begun else None)
        except OSError as error:
            self.give_up(ClientGone("client-reset", str(error), phase="accept"))
        else:
            self._has_begun = True
            if is_complete:
                self._complete()
            elif self._tls.has_unsent and not self._watches_writing:
                self._watches_writing = True
                self.reactor.watch(self.sock.fileno(), READ_WRITE)

    def _complete(self) -> None:
        tls = self._tls
        try:
            self.peer.tls = facts_of(tls.tls)
            self.peer.came_by_tls = True
            self.peer.tlvs = with_tls(self.peer.tlvs, self.peer.tls, tls.tls.selected_alpn_protocol())
        except x509.BadCertificate as error:
            self.give_up(BadHandshake("client-certificate-refused", str(error)))
            return
        self.finish(tls)
        tls.announce()

    # ------------------------------------------------------------------ the end

    def _refuse(self, reason: str) -> None:
        if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
            self.give_up(BadHandshake("client-certificate-missing"))
        elif reason in _PLAIN_HTTP and self.frontend.config.mode == "http":
            self._answer_plain_http()
        else:
            self.give_up(BadHandshake(detail=reason.lower().replace("_", " ")))

    def _answer_plain_http(self) -> None:
        """Somebody wrote http:// for https://, and a browser shows him the page. The mistake cannot be used: nothing
        that was sent in the clear is passed on."""
        error = BadHandshake("plain-http-on-tls-port")
        self._is_refused = True
        self.frontend.record(error, Unserved(self.frontend, self.peer, self.began))
        try:
            self.sock.send(error_page(error))
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.give_up(None)
            return
        self.deadline = self.reactor.now + LINGER
        self._discard()

    def _discard(self) -> None:
        """At most one piece for an event: who sends more is reset, as he is at the deadline."""
        try:
            if self.sock.recv(64 * 1024):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.give_up(None)

    def timed_out(self) -> None:
        self.give_up(None if self._is_refused else ClientTimeout("tls-handshake-timeout", phase="accept"))


def facts_of(tls: ssl.SSLObject) -> TlsFacts:
    """Of a handshake that is complete. Raises x509.BadCertificate."""
    cipher = tls.cipher()
    der = tls.getpeercert(binary_form=True)
    certificate = x509.parse(der) if der else None
    return TlsFacts(
        version=tls.version() or "",
        cipher=cipher[0] if cipher else "",
        certificate=certificate,
        fields=b"" if tls.context.verify_mode is ssl.CERT_NONE else certificate_fields(certificate),
    )
