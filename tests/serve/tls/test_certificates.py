"""Files of certificates: which one a client is shown, and what is said of those that cannot be used."""

from __future__ import annotations

import os
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from proxy.cli import main
from proxy.core.config import Backend as BackendConfig
from proxy.core.config import Certificate, Config, Frontend, FrontendTls, Pool
from proxy.serve.tls.certificates import CertificateError, check_certificates, read_certificates
from tests.engine.support import LOCALHOST, NOBODY
from tests.tls import client_context, write_authority, write_certificate

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC)
SECRET = "correct horse"
DECRYPT = "decrypt it, as `openssl pkey` does"


def openssl(*arguments: object) -> None:
    subprocess.run(("openssl", *map(str, arguments)), check=True, capture_output=True)


def files(pair: tuple[str, str]) -> Certificate:
    return Certificate(certificate=pair[0], key=pair[1])


def frontend(*pairs: tuple[str, str], mode: str = "http", **more: Any) -> Frontend:
    tls = FrontendTls(certificates=tuple(map(files, pairs)), **more)
    return Frontend(name="web", listen=(LOCALHOST,), pool="app", mode=mode, tls=tls)  # type: ignore[arg-type] # a str


def findings(web: Frontend, now: datetime = NOW) -> list[tuple[tuple[str | int, ...], str, str]]:
    pools = {"app": Pool(name="app", backends=(BackendConfig(address=NOBODY),))}
    config = Config(frontends={"web": web}, pools=pools)
    return [(found.path[3:], found.message, found.severity) for found in check_certificates(config, now)]


def shake(context: ssl.SSLContext, name: str | None = None, theirs: ssl.SSLContext | None = None) -> ssl.SSLObject:
    """The client's end after a handshake in memory."""
    if theirs is None:
        theirs = client_context()
        theirs.check_hostname = False
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, server = theirs.wrap_bio(down, up, server_hostname=name), context.wrap_bio(up, down, server_side=True)
    for end in (client, server) * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
    return client


def shown(context: ssl.SSLContext, name: str | None) -> str:
    """The first name of the certificate that a client gets who asks for `name`."""
    told: Any = shake(context, name).getpeercert()
    return str(told["subjectAltName"][0][1])


def test_certificate_is_chosen_by_the_name_that_is_asked_for(tmp_path: Path) -> None:
    names = (["first.example"], ["exact.a.example", "b.example"], ["*.a.example"], ["twice.example", "b.example"])
    pairs = [write_certificate(tmp_path, *each, stem=f"site{number}") for number, each in enumerate(names)]
    context = read_certificates(frontend(*pairs)).context
    for name, expected in (
        ("first.example", "first.example"),
        ("EXACT.a.example", "exact.a.example"),
        ("b.example", "exact.a.example"),  # the first of two
        ("other.a.example", "*.a.example"),
        ("deep.other.a.example", "first.example"),
        ("a.example", "first.example"),
        ("unknown.example", "first.example"),
        (None, "first.example"),
    ):
        assert shown(context, name) == expected, name


OLD = {"maximum_version": ssl.TLSVersion.TLSv1_2}
AES256, AES128, CBC = (f"ECDHE-ECDSA-{name}" for name in ("AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES128-SHA256"))


@pytest.mark.parametrize(
    ("settings", "theirs", "works"),
    [
        ({}, {}, True),
        ({}, OLD, True),
        ({"minimum_version": "1.3"}, OLD, False),
        ({"ciphers": AES256}, {**OLD, "ciphers": AES256}, True),
        ({"ciphers": AES256}, {**OLD, "ciphers": AES128}, False),
        ({}, {**OLD, "ciphers": CBC}, False),
    ],
)
def test_versions_and_ciphers_are_those_of_the_configuration(
    tmp_path: Path, settings: dict[str, Any], theirs: dict[str, Any], works: bool
) -> None:
    context = read_certificates(frontend(write_certificate(tmp_path, "localhost"), **settings)).context
    other = client_context()
    if ciphers := theirs.pop("ciphers", None):
        other.set_ciphers(ciphers)
    for key, value in theirs.items():
        setattr(other, key, value)
    if works:
        assert shake(context, "localhost", other).version() is not None
    else:
        with pytest.raises(ssl.SSLError):
            shake(context, "localhost", other)


@pytest.mark.parametrize(("mode", "alpn", "chosen"), [
    ("http", None, "http/1.1"), ("http", (), None), ("tcp", None, None), ("tcp", ("imap", "http/1.1"), "imap"),
])  # fmt: skip
def test_protocol_is_agreed_on(tmp_path: Path, mode: str, alpn: tuple[str, ...] | None, chosen: str | None) -> None:
    context = read_certificates(frontend(write_certificate(tmp_path, "localhost"), mode=mode, alpn=alpn)).context
    theirs = client_context()
    theirs.set_alpn_protocols(["h2", "http/1.1", "imap"])
    assert shake(context, "localhost", theirs).selected_alpn_protocol() == chosen


# ---------------------------------------------------------------------- what cannot be used


def test_good_files_give_no_finding(tmp_path: Path) -> None:
    ca = write_authority(tmp_path)
    web = frontend(write_certificate(tmp_path, "localhost"), client_certificates="required", client_ca=ca)
    assert findings(web) == []


def test_each_bad_file_is_named_with_its_fault(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path, "localhost")
    other_cert, other_key = write_certificate(tmp_path, "other.example", stem="other")
    locked, empty, absent = str(tmp_path / "locked.key"), str(tmp_path / "empty.pem"), str(tmp_path / "absent")
    openssl("pkey", "-in", key, "-aes256", "-passout", f"pass:{SECRET}", "-out", locked)
    (tmp_path / "empty.pem").write_text("nothing here\n")
    for pair, where, message in (
        ((absent, key), "certificate", f"{absent} cannot be read: No such file or directory"),
        ((cert, absent), "key", f"{absent} cannot be read: No such file or directory"),
        ((str(tmp_path), key), "certificate", f"{tmp_path} cannot be read: Is a directory"),
        ((empty, key), "certificate", f"{empty}: there is no certificate in it"),
        ((key, key), "certificate", f"{key}: there is no certificate in it"),
        ((cert, empty), "key", f"{empty}: there is no private key in it, as PEM"),
        ((cert, cert), "key", f"{cert}: there is no private key in it, as PEM"),
        ((cert, other_key), "key", f"{other_key} is not the key of the certificate {cert}"),
        ((cert, locked), "key", f"{locked} has a passphrase, and nobody is there to type it: {DECRYPT}"),
    ):  # fmt: skip
        good = (other_cert, other_key)
        assert findings(frontend(good, pair)) == [(("certificates", 1, where), message, "error")]
        with pytest.raises(CertificateError):
            read_certificates(frontend(pair))


def test_authorities_and_ciphers_are_checked_too(tmp_path: Path) -> None:
    pair = write_certificate(tmp_path, "localhost")
    web = frontend(pair, client_certificates="required", client_ca=pair[1])
    assert findings(web) == [(("client_ca",), f"{pair[1]}: there is no certificate in it, as PEM", "error")]
    absent = str(tmp_path / "absent")
    web = frontend(pair, client_certificates="required", client_ca=absent)
    assert findings(web) == [(("client_ca",), f"{absent} cannot be read: No such file or directory", "error")]
    assert findings(frontend(pair, ciphers="ROT13")) == [
        (("ciphers",), "OpenSSL knows none of these cipher suites", "error")
    ]


def test_dates_are_warnings(tmp_path: Path) -> None:
    web = frontend(write_certificate(tmp_path, "localhost"))
    told = read_certificates(web).shown[0]
    for now, message in (
        (told.not_after + timedelta(hours=1), "the certificate expired on"),
        (told.not_before - timedelta(hours=1), "the certificate is not valid before"),
        (told.not_after - timedelta(hours=1), "the certificate expires on"),
    ):
        ((where, said, severity),) = findings(web, now)
        assert (where, severity) == (("certificates", 0, "certificate"), "warning")
        assert said.startswith(message)


def test_check_shows_the_line_and_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cert, plain = write_certificate(tmp_path, "localhost")
    key = str(tmp_path / "locked.key")
    openssl("pkey", "-in", plain, "-aes256", "-passout", f"pass:{SECRET}", "-out", key)
    path = tmp_path / "lb.toml"
    path.write_text(
        f'[frontends.web]\nlisten = "127.0.0.1:0"\npool = "app"\n[frontends.web.tls]\n'
        f'certificates = [{{ certificate = "{cert}", key = "{key}" }}]\n[pools.app]\nbackends = ["127.0.0.1:1"]\n'
    )
    assert main(["check", str(path)]) == 2
    told = capsys.readouterr().out
    assert f"lb.toml:5:{24 + len(cert) + 19}: {key} has a passphrase" in told
    assert SECRET not in told
    os.replace(plain, key)
    assert main(["check", str(path)]) == 0
