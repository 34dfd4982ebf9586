"""[frontends.NAME.tls]: what its settings must be together."""

import pytest

from proxy.core.config import FrontendTls, check_text

WEB = """\
[frontends.web]
listen = "127.0.0.1:80"
pool = "app"
{mode}
[pools.app]
backends = ["127.0.0.1:9001"]
[frontends.web.tls]
certificates = [{{ certificate = "site.pem", key = "site.key" }}]
{lines}
"""


def problems(lines: str, mode: str = "http") -> list[tuple[int, str]]:
    text = WEB.format(lines=lines, mode=f'mode = "{mode}"')
    return [(problem.line, problem.message) for problem in check_text(text, "lb.toml").problems]


def settings(lines: str, mode: str = "http") -> FrontendTls:
    tls = check_text(WEB.format(lines=lines, mode=f'mode = "{mode}"'), "lb.toml").unwrap().frontends["web"].tls
    assert tls is not None
    return tls


def test_defaults_are_modern() -> None:
    tls = settings("")
    assert (tls.minimum_version, tls.ciphers, tls.client_certificates, tls.client_ca) == ("1.2", None, "off", None)
    assert tls.protocols("http") == ("http/1.1",)
    assert tls.protocols("tcp") == ()


@pytest.mark.parametrize("mode", ["optional", "required"])
def test_client_certificates_need_an_authority(mode: str) -> None:
    assert problems(f'client_certificates = "{mode}"\nclient_ca = "ca.pem"') == []
    assert problems(f'client_certificates = "{mode}"') == [
        (9, f'client_certificates = "{mode}" needs client_ca: whose certificates are good?')
    ]


def test_authority_without_client_certificates_does_nothing() -> None:
    assert problems('client_ca = "ca.pem"') == [
        (9, "client_ca does nothing, because no client is asked for a certificate")
    ]


def test_http_offers_what_it_speaks_and_tcp_anything() -> None:
    assert problems('alpn = ["http/1.1"]') == problems("alpn = []") == []
    assert problems('alpn = ["h2", "http/1.1"]') == [(9, '"h2" is not spoken here: in mode "http" it is HTTP/1.1 only')]
    assert problems('alpn = ["h2", "imap"]', mode="tcp") == []
    assert settings('alpn = ["imap"]', mode="tcp").protocols("tcp") == ("imap",)


@pytest.mark.parametrize("line", ["", "certificates = []"])
def test_there_must_be_a_certificate(line: str) -> None:
    text = WEB.format(lines="", mode="").replace(
        'certificates = [{ certificate = "site.pem", key = "site.key" }]', line
    )
    (problem,) = check_text(text, "lb.toml").problems
    assert problem.message == 'there is nothing to show to clients: "certificates" is missing or empty'
