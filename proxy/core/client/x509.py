"""What a certificate says of itself: names, subject and dates (RFC 5280).

It reads what others have checked or will check: our own certificates, and those of clients that OpenSSL has verified.
The `ssl` module verifies certificates and gives their bytes, but it takes apart only those of the other side, and only
those that it verified; a reader of DER is nothing to write ourselves: hence `cryptography`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from datetime import datetime

_NAMES = {NameOID.EMAIL_ADDRESS: "emailAddress", NameOID.SERIAL_NUMBER: "serialNumber"}  # besides those of RFC 4514


class BadCertificate(ValueError):
    """These bytes are no certificate, or not one that can be read."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """der: the whole. subject: as text (RFC 4514), most specific part first, nothing in it that cannot be printed.
    common_name: of the subject, "" without one. names: of hosts, lower case, "*." in front where it is a wildcard; from
    the alternative names, or the common name where there are none."""

    der: bytes
    subject: str
    common_name: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime

    @property
    def fingerprint(self) -> str:
        """SHA-256, as hex digits."""
        return hashlib.sha256(self.der).hexdigest()


def first_in_pem(text: str) -> Certificate:
    """Raises BadCertificate."""
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise BadCertificate("there is no certificate in it")
    try:
        found = x509.load_pem_x509_certificate(text.encode("ascii", "replace"))
    except ValueError:
        raise BadCertificate("its certificate cannot be read") from None
    return _read(found)


def parse(der: bytes) -> Certificate:
    """Raises BadCertificate."""
    try:
        found = x509.load_der_x509_certificate(der)
    except ValueError:
        raise BadCertificate("its certificate cannot be read") from None
    return _read(found)


def _read(found: x509.Certificate) -> Certificate:
    """`cryptography` reads the parts only when they are asked for."""
    try:
        common_names = [str(name.value) for name in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        return Certificate(
            der=found.public_bytes(Encoding.DER),
            subject=_printable(found.subject.rfc4514_string(_NAMES)),
            common_name=common_names[0] if common_names else "",
            names=tuple(name.lower() for name in _host_names(found) or common_names),
            not_before=found.not_valid_before_utc,
            not_after=found.not_valid_after_utc,
        )
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise BadCertificate(f"its certificate cannot be read: {error}") from None


def _host_names(found: x509.Certificate) -> list[str]:
    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def _printable(text: str) -> str:
    """The rest as the bytes of UTF-8, `\\0a` (RFC 4514 section 2.4): it goes into a field of a request."""
    return "".join(char if char.isprintable() else "".join(f"\\{byte:02x}" for byte in char.encode()) for char in text)
