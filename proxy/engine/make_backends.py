"""From a pool's configuration to its backends, ready to be dialled."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from proxy.core.pool import UNLIMITED
from proxy.engine.backend import LiveBackend
from proxy.engine.greeting import GreetedBackend
from proxy.engine.tls.backend_tls import BackendTls, make_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    from proxy.core import config


def read_tls_again(settings: config.Pool, backends: Iterable[LiveBackend]) -> None:
    """For connections that begin from now on, where files of our own have the authorities or what we show ourselves.
    Raises TlsFileError."""
    if settings.tls is not None and (settings.tls.ca or settings.tls.certificate):
        context = make_context(settings.tls)
        for backend in backends:
            assert backend.tls is not None
            backend.tls.context = context
            backend.tls.session = None  # OpenSSL resumes none of another context


def make_backends(settings: config.Pool, context: ssl.SSLContext | None = None) -> list[LiveBackend]:
    """In the order of the configuration. Raises TlsFileError.

    context: one made from the same settings; to make it anew takes 20 ms with the system's CAs."""
    context = context or make_context(settings.tls) if settings.tls else None
    make = partial(GreetedBackend, settings.proxy_protocol) if settings.proxy_protocol else LiveBackend
    return [
        make(
            backend.address,
            weight=backend.weight,
            limit=backend.max_connections or UNLIMITED,
            idle_limit=settings.idle_connections,
            members=backend.members,
            tls=BackendTls(context, settings.tls, backend.address) if context and settings.tls else None,
        )
        for backend in settings.backends
    ]
