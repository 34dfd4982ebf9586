"""Contexts made from a pool's settings, and the words for handshakes that failed."""

from __future__ import annotations

import errno
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import Config, HealthCheck, Pool, PoolTls
from proxy.core.errors import ConnectFailed, TlsFailed
from proxy.engine.backend import LiveBackend
from proxy.engine.tls.backend_tls import BackendTls, TlsFileError, check_contexts, handshake_failed, make_context
from proxy.engine.tls.tls_socket import Truncated
from tests.tls import write_authority, write_certificate

if TYPE_CHECKING:
    from pathlib import Path

BACKEND = LiveBackend(TcpAddress("127.0.0.1", 443))


def test_certificates_and_names_are_verified_unless_told_otherwise() -> None:
    context = make_context(PoolTls())
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert make_context(PoolTls(minimum_version="1.3")).minimum_version == ssl.TLSVersion.TLSv1_3
    assert make_context(PoolTls(verify=False)).verify_mode == ssl.CERT_NONE


def test_only_the_named_authorities_are_known(tmp_path: Path) -> None:
    (authority,) = make_context(PoolTls(ca=write_authority(tmp_path))).get_ca_certs()
    assert authority["subject"][0][0] == ("organizationName", "tests")


def test_the_name_that_is_asked_for() -> None:
    context = make_context(PoolTls(verify=False))
    host, unix = TcpAddress("app.test", 443), UnixAddress("/run/app.sock")
    assert BackendTls(context, PoolTls(), host).server_name == "app.test"
    assert BackendTls(context, PoolTls(server_name="other.test"), host).server_name == "other.test"
    assert BackendTls(context, PoolTls(verify=False), unix).server_name is None


def test_files_that_are_not_what_they_should_be(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "a.test")
    (tmp_path / "text").write_text("no certificate")
    bad = str(tmp_path / "text")
    for settings in (
        PoolTls(ca=bad),
        PoolTls(ca=str(tmp_path / "none")),
        PoolTls(certificate=bad),
        PoolTls(certificate=certificate, key=bad),
    ):
        with pytest.raises(TlsFileError, match=rf"^{tmp_path}/(text|none): "):
            make_context(settings)
    make_context(PoolTls(certificate=certificate, key=key))


def test_they_are_reported_at_the_line_that_names_them(tmp_path: Path) -> None:
    certificate, _ = write_certificate(tmp_path, "a.test")
    _, other_key = write_certificate(tmp_path, "b.test", stem="other")
    none = str(tmp_path / "none")
    bad = {
        "absent": PoolTls(ca=none),
        "no-cert": PoolTls(certificate=none, key=other_key),
        "no-key": PoolTls(certificate=certificate, key=none),
        "mismatch": PoolTls(certificate=certificate, key=other_key),
        "good": PoolTls(),
    }
    pools = {name: Pool(name=name, tls=tls) for name, tls in bad.items()}
    assert [(f.path[1], f.path[-1], f.message) for f in check_contexts(Config(frontends={}, pools=pools))] == [
        ("absent", "ca", f"{none}: No such file or directory"),
        ("no-cert", "certificate", f"{none}: No such file or directory"),
        ("no-key", "key", f"{none}: No such file or directory"),
        ("mismatch", "key", f"{other_key}: key values mismatch"),
    ]
    probed = Pool(name="probed", health_check=HealthCheck(tls=bad["absent"]))
    (finding,) = check_contexts(Config(frontends={}, pools={"probed": probed}))
    assert finding.path == ("pools", "probed", "health_check", "tls", "ca")


def test_a_key_with_a_passphrase_is_an_error_and_no_question(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "a.test")
    locked = str(tmp_path / "locked.key")
    subprocess.run(["openssl", "ec", "-in", key, "-out", locked, "-aes128", "-passout", "pass:secret"],
                   check=True, capture_output=True)  # fmt: skip
    with pytest.raises(TlsFileError, match="locked"):
        make_context(PoolTls(certificate=certificate, key=locked))


def test_what_failed_in_words() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "…")
    untrusted.verify_message = "certificate has expired"
    alert = ssl.SSLError(1, "…")
    alert.reason = "TLSV1_ALERT_PROTOCOL_VERSION"
    found = [str(handshake_failed(error, BACKEND)) for error in (untrusted, alert, Truncated("closed"))]
    assert found == [
        "upstream dial tls-certificate: certificate has expired",
        "upstream dial tls-handshake: tlsv1 alert protocol version",
        "upstream dial tls-handshake: closed",
    ]
    assert isinstance(handshake_failed(ConnectionResetError(errno.ECONNRESET, "reset"), BACKEND), TlsFailed)
    refused = handshake_failed(ConnectionRefusedError(errno.ECONNREFUSED, "refused"), BACKEND)
    assert (type(refused), refused.reason) == (ConnectFailed, "connect-refused")
