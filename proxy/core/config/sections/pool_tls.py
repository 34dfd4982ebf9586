"""[pools.NAME.tls]: TLS to the backends of a pool."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from proxy.core.address import UnixAddress
from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding
from proxy.core.config.sections.section import Section, like
from proxy.core.config.sections.values import FileName, Flag, HostName, TlsVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTls(Section):
    """TLS to the backends of a pool. An empty table is enough: their certificates are verified with the system's
    CAs."""

    verify: Annotated[Flag, like(True)] = True
    """Whether a backend must show a certificate of a known CA with its name in it. With false anybody in between can
    read and change everything. Default true."""
    ca: Annotated[FileName | None, like("/etc/rproxy/ca.pem")] = None
    """A file of the CAs that are known, in PEM. Default: none, those of the system."""
    server_name: Annotated[HostName | None, like("app.internal")] = None
    """The name that is asked for (SNI) and that must be in the certificate. Default: none, the host of the backend's
    address; where that is an IP address it must be in the certificate, and no name is asked for. Unix sockets need
    one."""
    certificate: Annotated[FileName | None, like("/etc/rproxy/client.pem")] = None
    """A file with the certificate, and what it is signed with, that is shown to backends that ask for one, in PEM.
    Default: none."""
    key: Annotated[FileName | None, like("/etc/rproxy/client.key")] = None
    """The file with its private key, in PEM, without a passphrase. Default: none, it is in the file of the
    certificate."""
    minimum_version: Annotated[TlsVersion, like("1.3")] = "1.2"
    """The oldest version of TLS that is spoken. Default 1.2."""


def check_pool_tls(tls: PoolTls, addresses: list[object], path: Path) -> Iterator[Finding]:
    """addresses: of the pool's backends. path: of the table."""
    if tls.key is not None and tls.certificate is None:
        message = '"key" is the key of a certificate, and "certificate" is missing'
        yield Finding(path=(*path, "key"), message=message, example='certificate = "/etc/rproxy/client.pem"')
    if not tls.verify:
        yield from _check_unverified(tls, path)
    elif tls.server_name is None and (unix := next((a for a in addresses if isinstance(a, UnixAddress)), None)):
        yield Finding(
            path=path,
            message=f"{unix} has no host name that its certificate could be compared with",
            hint='write the name that is in the certificate as "server_name"',
            example='server_name = "app.internal"',
        )


def _check_unverified(tls: PoolTls, path: Path) -> Iterator[Finding]:
    if tls.ca is not None:
        message = '"ca" is of no use with verify = false: no certificate is compared with anything'
        yield Finding(path=(*path, "ca"), message=message, hint='remove "ca", or remove "verify"')
    yield Finding(
        path=(*path, "verify"),
        message="certificates of these backends are not verified: anybody in between can read and change everything",
        hint='a CA of your own can be named with "ca"',
        example='ca = "/etc/rproxy/ca.pem"',
        severity="warning",
    )
