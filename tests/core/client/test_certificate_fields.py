"""The fields about a client's certificate."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from proxy.core.client.certificate_fields import certificate_fields
from proxy.core.client.x509 import Certificate
from proxy.core.http.headers import FORWARDING
from proxy.core.http.request import RequestParser

SHOWN = Certificate(
    der=b"\x30\x03\x02\x01\x01", subject="CN=J\u00f6rg,O=A\\0a", common_name="J\u00f6rg", names=(),
    not_before=datetime(2026, 1, 1, tzinfo=UTC), not_after=datetime(2027, 1, 1, tzinfo=UTC),
)  # fmt: skip


def fields(certificate: Certificate | None) -> dict[bytes, bytes]:
    lines = certificate_fields(certificate).split(b"\r\n")
    assert lines.pop() == b""
    return dict(line.split(b": ", 1) for line in lines)  # type: ignore[misc] # two parts each


def test_certificate_is_told_whole_and_in_words() -> None:
    found = fields(SHOWN)
    assert base64.b64decode(found[b"Client-Cert"].strip(b":")) == SHOWN.der
    assert found[b"X-Client-Cert-Subject"] == b"CN=J\\c3\\b6rg,O=A\\0a"
    assert found[b"X-Client-Cert-Fingerprint"] == SHOWN.fingerprint.encode()
    assert found[b"X-Client-Cert-Verified"] == b"SUCCESS"


def test_absence_is_told_too() -> None:
    assert fields(None) == {b"X-Client-Cert-Verified": b"NONE"}


def test_client_cannot_send_any_of_them() -> None:
    names = {name.lower() for name in fields(SHOWN)} | {b"client-cert-chain"}
    assert names <= FORWARDING
    forged = b"".join(b"%b: forged\r\n" % name for name in names)
    head = RequestParser().parse(b"GET / HTTP/1.1\r\nHost: a\r\n" + forged + b"\r\n")
    assert b"forged" not in head.forward
