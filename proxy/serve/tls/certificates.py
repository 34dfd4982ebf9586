"""The certificates of a frontend: read from their files, checked, and chosen by the name that a client asks for."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from proxy.core.client import x509
from proxy.core.config.problem import Finding
from proxy.core.config.sections.tls import MODERN_CIPHERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from proxy.core.config import Certificate, Config, Frontend, FrontendTls
    from proxy.core.config.positions import Path

SOON = timedelta(days=7)
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_VERIFY = {"off": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


class CertificateError(Exception):
    """What is wrong with a file or a setting, in one line without any of its contents. where: below [….tls]."""

    def __init__(self, where: Path, message: str) -> None:
        super().__init__(message)
        self.where = where


@dataclass(frozen=True, slots=True)
class ServerTls:
    """context: for the handshakes of a frontend. shown: the certificates it has, in the order of the configuration."""

    context: ssl.SSLContext
    shown: tuple[x509.Certificate, ...]


def read_certificates(frontend: Frontend) -> ServerTls:
    """Raises CertificateError."""
    settings = frontend.tls
    assert settings is not None
    contexts = [_new_context(settings, frontend.mode) for _ in settings.certificates]
    shown = []
    for index, (files, context) in enumerate(zip(settings.certificates, contexts, strict=True)):
        shown.append(_read(files, ("certificates", index)))
        _load(context, files, ("certificates", index))
    if len(contexts) > 1:
        contexts[0].sni_callback = _Chooser(contexts, shown)
    return ServerTls(contexts[0], tuple(shown))


def check_certificates(config: Config, now: datetime) -> Iterator[Finding]:
    """For `rproxy check`: everything that would keep the server from starting, and dates that are or soon will be
    wrong."""
    for name, frontend in config.frontends.items():
        path: Path = ("frontends", name, "tls")
        if frontend.tls is None:
            continue
        try:
            shown = read_certificates(frontend).shown
        except CertificateError as error:
            yield Finding(path=(*path, *error.where), message=str(error))
            continue
        for index, certificate in enumerate(shown):
            if fault := _bad_date(certificate, now):
                where = (*path, "certificates", index, "certificate")
                yield Finding(path=where, message=f"the certificate {fault}", severity="warning")


def _bad_date(certificate: x509.Certificate, now: datetime) -> str:
    if now > certificate.not_after:
        return f"expired on {certificate.not_after:%Y-%m-%d %H:%M} UTC: clients will refuse it"
    if now < certificate.not_before:
        return f"is not valid before {certificate.not_before:%Y-%m-%d %H:%M} UTC"
    return f"expires on {certificate.not_after:%Y-%m-%d %H:%M} UTC" if now > certificate.not_after - SOON else ""


def _new_context(settings: FrontendTls, mode: str) -> ssl.SSLContext:
    """As OpenSSL has it, with its default groups and two tickets for each TLS 1.3 handshake, but: the client orders the
    suites, since all are good and it knows whether it has AES in hardware; and no renegotiation."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.minimum_version]
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.set_ciphers(settings.ciphers or MODERN_CIPHERS)
    except ssl.SSLError:
        raise CertificateError(("ciphers",), "OpenSSL knows none of these cipher suites") from None
    if protocols := settings.protocols(mode):
        context.set_alpn_protocols(list(protocols))
    context.verify_mode = _VERIFY[settings.client_certificates]
    if settings.client_ca is not None:
        _load_authorities(context, settings.client_ca)
    return context


def _load_authorities(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise CertificateError(("client_ca",), f"{path}: there is no certificate in it, as PEM") from None
    except OSError as error:
        raise CertificateError(("client_ca",), f"{path} cannot be read: {error.strerror}") from None


def _read(files: Certificate, where: Path) -> x509.Certificate:
    """Also sees to it that both files can be read: OpenSSL does not say which one cannot."""
    texts = []
    for key, path in (("certificate", files.certificate), ("key", files.key)):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                texts.append(file.read())
        except OSError as error:
            raise CertificateError((*where, key), f"{path} cannot be read: {error.strerror}") from None
    try:
        return x509.first_in_pem(texts[0])
    except x509.BadCertificate as error:
        raise CertificateError((*where, "certificate"), f"{files.certificate}: {error}") from None


def _load(context: ssl.SSLContext, files: Certificate, where: Path) -> None:
    def refuse_passphrase() -> str:
        message = f"{files.key} has a passphrase, and nobody is there to type it: decrypt it, as `openssl pkey` does"
        raise CertificateError((*where, "key"), message)

    try:
        context.load_cert_chain(files.certificate, files.key, refuse_passphrase)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            message = f"{files.key} is not the key of the certificate {files.certificate}"
        elif error.reason in (None, "NO_START_LINE"):
            message = f"{files.key}: there is no private key in it, as PEM"
        else:
            message = f"{files.certificate} and {files.key}: {error.reason.lower().replace('_', ' ')}"
        raise CertificateError((*where, "key"), message) from None


class _Chooser:
    """OpenSSL calls it with the name of the ClientHello. Options and tickets stay those of the first context, so that
    a session is resumed whatever certificate was shown."""

    def __init__(self, contexts: list[ssl.SSLContext], shown: list[x509.Certificate]) -> None:
        self._by_name: dict[str, ssl.SSLContext] = {}
        for context, certificate in zip(contexts, shown, strict=True):
            for name in certificate.names:
                self._by_name.setdefault(name, context)

    def __call__(self, tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """A wildcard stands for exactly one label (RFC 6125 section 6.4.3)."""
        if name:
            name = name.lower()
            context = self._by_name.get(name) or self._by_name.get("*." + name.partition(".")[2])
            if context is not None:
                tls.context = context
