"""Certificates read as OpenSSL reads them; nothing but BadCertificate comes of bytes that are none."""

from __future__ import annotations

import ssl
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.client import x509
from proxy.core.client.x509 import BadCertificate, first_in_pem, parse
from tests.tls import certificate

if TYPE_CHECKING:
    from pathlib import Path


def pem_of(*names: str) -> str:
    return certificate(*names).cert_chain_pems[0].bytes().decode()


def self_signed(directory: Path, *arguments: str) -> str:
    path = directory / "cert.pem"
    subprocess.run(
        ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8",
         "-keyout", directory / "key.pem", "-out", path, *arguments),
        check=True, capture_output=True,
    )  # fmt: skip
    return str(path)


def test_names_are_those_a_client_compares() -> None:
    assert first_in_pem(pem_of("Example.com", "*.example.com", "127.0.0.1")).names == ("example.com", "*.example.com")


def test_dates_and_fingerprint_are_those_of_openssl(tmp_path: Path) -> None:
    path = self_signed(tmp_path, "-subj", "/CN=a", "-days", "20000")
    found = first_in_pem((tmp_path / "cert.pem").read_text())
    told = subprocess.run(
        ("openssl", "x509", "-in", path, "-noout", "-startdate", "-enddate", "-fingerprint", "-sha256"),
        check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    dates = [
        datetime.strptime(line.partition("=")[2], "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC) for line in told[:2]
    ]
    assert [found.not_before, found.not_after] == dates  # the second is over 2050: the other form of a date
    assert found.fingerprint == told[2].partition("=")[2].replace(":", "").lower()


@pytest.mark.parametrize(
    "subject",
    [
        "/C=DE/O=Example, Inc./OU=A/CN=J\u00f6rg #1",
        '/CN= "quoted" <x>; y\\\\z ',
        "/DC=org/DC=example/UID=u1/CN=n/emailAddress=a@example.org",
    ],
)
def test_subject_is_written_as_openssl_writes_it(tmp_path: Path, subject: str) -> None:
    path = self_signed(tmp_path, "-subj", subject)
    told = subprocess.run(
        ("openssl", "x509", "-in", path, "-noout", "-subject", "-nameopt", "RFC2253,-esc_msb,utf8"),
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    ours = first_in_pem((tmp_path / "cert.pem").read_text()).subject
    assert ours == told.partition("=")[2].rstrip("\n")


def test_common_name_is_the_name_where_there_are_no_others(tmp_path: Path) -> None:
    self_signed(tmp_path, "-subj", "/CN=Old.example.com")
    assert first_in_pem((tmp_path / "cert.pem").read_text()).names == ("old.example.com",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no certificate"),
        ("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----", "cannot be read"),
        ("-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----", "cannot be read"),
    ],
)
def test_what_is_no_certificate_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadCertificate, match=why):
        first_in_pem(text)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # of serial numbers below 0
@given(st.data())
def test_damaged_certificates_raise_nothing_else(data: st.DataObject) -> None:
    der = bytearray(ssl.PEM_cert_to_DER_cert(pem_of("example.com")))
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = parse(bytes(der[: data.draw(st.integers(0, len(der)))]))
    except BadCertificate:
        return
    assert isinstance(found, x509.Certificate)
