import pytest

from proxy.core.config import PoolTls, check_text

FILE = """\
[frontends.web]
listen = "127.0.0.1:80"
pool = "app"
[pools.app]
backends = [{}]
[pools.app.tls]
{}
"""


def problems(tls: str, *backends: str) -> list[tuple[int, int, str, str, str]]:
    text = FILE.format(", ".join(f'"{backend}"' for backend in backends or ("app.test:443",)), tls)
    return [(p.line, p.column, p.severity, p.message, p.hint) for p in check_text(text, "lb.toml").problems]


def test_an_empty_table_is_enough_and_verifies() -> None:
    assert problems("") == []
    assert PoolTls().verify


def test_everything_said() -> None:
    assert (
        problems(
            'ca = "ca.pem"\nserver_name = "app.test"\ncertificate = "c.pem"\nkey = "c.key"\nminimum_version = "1.3"'
        )
        == []
    )


def test_a_unix_socket_has_no_name_of_its_own() -> None:
    message = "unix:/run/app.sock has no host name that its certificate could be compared with"
    hint = 'write the name that is in the certificate as "server_name"'
    assert problems("", "app.test:443", "unix:/run/app.sock") == [(6, 12, "error", message, hint)]
    assert problems('server_name = "app.test"', "unix:/run/app.sock") == []


def test_no_verification_is_warned_of() -> None:
    message = "certificates of these backends are not verified: anybody in between can read and change everything"
    hint = 'a CA of your own can be named with "ca"'
    assert problems("verify = false") == [(7, 10, "warning", message, hint)]
    assert problems("verify = false", "unix:/run/app.sock") == [(7, 10, "warning", message, hint)]


def test_a_ca_that_nothing_is_compared_with() -> None:
    found = problems('verify = false\nca = "ca.pem"')
    message = '"ca" is of no use with verify = false: no certificate is compared with anything'
    assert found[-1] == (8, 6, "error", message, 'remove "ca", or remove "verify"')


def test_a_key_needs_its_certificate() -> None:
    message = '"key" is the key of a certificate, and "certificate" is missing'
    assert problems('key = "c.key"') == [(7, 7, "error", message, "")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("minimum_version = 1.3", '1.3 is not a value of "minimum_version": it takes "1.2" or "1.3"'),
        ('minimum_version = "1.1"', '"1.1" is not a value of "minimum_version": it takes "1.2" or "1.3"'),
        ('server_name = "*.test"', '"*.test" is not one name: write one like "app.example.com"'),
        ('server_name = "a.test:443"', '"a.test:443": write the host only, without a port'),
        ('ca = ""', '"" is not the name of a file: write one like "/etc/rproxy/ca.pem"'),
        ('verify = "no"', '"verify" must be true or false, not "no"'),
    ],
)
def test_values(line: str, message: str) -> None:
    assert [problem[3] for problem in problems(line)] == [message]


@pytest.mark.parametrize(("word", "meant"), [("sni", "server_name"), ("cert", "certificate"), ("cafile", "ca")])
def test_words_of_others(word: str, meant: str) -> None:
    assert problems(f'{word} = "x"')[0][3:] == (f'unknown key "{word}"', f'did you mean "{meant}"?')
