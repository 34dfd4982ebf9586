"""What a backend is told of a client's certificate. Clients cannot send these fields, see `headers.FORWARDING`."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.core.client.x509 import Certificate

NOT_SHOWN = b"X-Client-Cert-Verified: NONE\r\n"


def certificate_fields(certificate: Certificate | None) -> bytes:
    """Lines of a request head, for a frontend that asks for certificates. None: the client has shown none.

    `Client-Cert` carries the whole of it (RFC 9440). Only a certificate that was verified gets this far, so that the
    other values of nginx's $ssl_client_verify, whose words these are, cannot occur.
    """
    if certificate is None:
        return NOT_SHOWN
    return (
        b"Client-Cert: :%b:\r\nX-Client-Cert-Subject: %b\r\nX-Client-Cert-Fingerprint: %b\r\n"
        b"X-Client-Cert-Verified: SUCCESS\r\n"
    ) % (base64.b64encode(certificate.der), _ascii(certificate.subject), certificate.fingerprint.encode())


def _ascii(subject: str) -> bytes:
    r"""Other characters as their bytes in UTF-8, `\c3\b6` (RFC 4514 section 2.4)."""
    return b"".join(b"%c" % byte if byte < 0x80 else b"\\%02x" % byte for byte in subject.encode("utf-8", "replace"))
