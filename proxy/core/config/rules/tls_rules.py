"""What the settings of TLS must be beyond their form."""

from collections.abc import Iterator

from proxy.core.config.problem import Finding
from proxy.core.config.schema import example_at
from proxy.core.config.sections.frontend import Frontend
from proxy.core.config.sections.units import show

_SPOKEN = {"http/1.1", "http/1.0"}


def check_frontend_tls(frontend: Frontend) -> Iterator[Finding]:
    tls = frontend.tls
    if tls is None:
        return
    path = ("frontends", frontend.name, "tls")
    if not tls.certificates:
        yield Finding(
            path=(*path, "certificates"),
            message='there is nothing to show to clients: "certificates" is missing or empty',
            example=example_at((*path, "certificates")),
        )
    if tls.client_certificates != "off" and tls.client_ca is None:
        yield Finding(
            path=(*path, "client_certificates"),
            message=f'client_certificates = "{tls.client_certificates}" needs client_ca: whose certificates are good?',
            example=example_at((*path, "client_ca")),
        )
    if tls.client_certificates == "off" and tls.client_ca is not None:
        yield Finding(
            path=(*path, "client_ca"),
            message="client_ca does nothing, because no client is asked for a certificate",
            hint="say whether clients must show one",
            example=example_at((*path, "client_certificates")),
        )
    for index, protocol in enumerate(tls.protocols(frontend.mode)):
        if frontend.mode == "http" and protocol not in _SPOKEN:
            yield Finding(
                path=(*path, "alpn", index),
                message=f'{show(protocol)} is not spoken here: in mode "http" it is HTTP/1.1 only',
                example=example_at((*path, "alpn")),
            )
