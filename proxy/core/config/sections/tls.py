"""[frontends.NAME.tls]: what is shown to clients, what is asked of them, and which TLS is spoken."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator

from proxy.core.config.sections.section import Section, like
from proxy.core.config.sections.units import show
from proxy.core.config.sections.values import FileName, TlsVersion

ClientCertificates = Literal["off", "optional", "required"]

# Forward secrecy and AEAD only: the TLS 1.2 half of Mozilla's "intermediate" without its finite-field DHE, which costs
# ten times as much. The suites of TLS 1.3 are all good and not chosen here.
MODERN_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)


def _check_protocol(name: str) -> str:
    if not name.isascii() or not 1 <= len(name) <= 255:
        raise ValueError(f'{show(name)} is not the name of a protocol: write one like "http/1.1"')
    return name


Protocols = tuple[Annotated[str, AfterValidator(_check_protocol)], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(Section):
    """A certificate and its key, as PEM files."""

    certificate: Annotated[FileName, like("/etc/rproxy/site.pem")]
    """The certificate, followed by those that lead from it to the authority. Required."""
    key: Annotated[FileName, like("/etc/rproxy/site.key")]
    """Its private key, without a passphrase; may be the same file. Required."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontendTls(Section):
    """TLS ends here: clients speak it to this frontend, and backends get what is inside."""

    certificates: Annotated[
        tuple[Certificate, ...],
        like([{"certificate": "/etc/rproxy/site.pem", "key": "/etc/rproxy/site.key"}]),
    ] = ()
    """Who we are. A client that names a host (SNI) is shown the first whose names fit, "*.example.com" too; all others
    are shown the first of the list. The files are looked at every few seconds and on SIGHUP, and new ones are taken
    without a restart. Required."""
    minimum_version: Annotated[TlsVersion, like("1.3")] = "1.2"
    """The oldest version spoken, "1.2" or "1.3". Default "1.2"."""
    ciphers: Annotated[str | None, like("ECDHE+AESGCM")] = None
    """The cipher suites of TLS 1.2 in the notation of OpenSSL; those of TLS 1.3 are always its own. Default: none,
    which stands for ECDHE with AES-GCM or ChaCha20-Poly1305."""
    alpn: Annotated[Protocols | None, like(["http/1.1"])] = None
    """The protocols offered by ALPN, best first. Default: none, which stands for ["http/1.1"] in mode "http", and for
    no offer in mode "tcp"."""
    client_certificates: Annotated[ClientCertificates, like("required")] = "off"
    """Whether clients must show a certificate: "off", "optional" (one that is shown must be good) or "required".
    Backends are told in Client-Cert (RFC 9440), X-Client-Cert-Subject, X-Client-Cert-Fingerprint (SHA-256) and
    X-Client-Cert-Verified, which clients cannot send themselves. Default "off"."""
    client_ca: Annotated[FileName | None, like("/etc/rproxy/clients-ca.pem")] = None
    """The authorities that client certificates must come from, as a PEM file. Needed where client_certificates is not
    "off". Default: none."""

    def protocols(self, mode: str) -> Protocols:
        """What is offered by ALPN."""
        if self.alpn is None:
            return () if mode == "tcp" else ("http/1.1",)
        return self.alpn
