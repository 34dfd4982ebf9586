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

    from proxy.core import config


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
