"""Everything that a data plane will open and read for a new configuration, opened and read once to see that it can be.

So a bad file changes nothing in any of them. Blocks: it belongs into a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.engine.tls.backend_tls import TlsFileError, make_context
from proxy.serve.backends.managed import ManagedError, ManagedSpec, check
from proxy.serve.logs.access_log import LogError
from proxy.serve.logs.log_destinations import open_destination
from proxy.serve.tls.certificates import CertificateError, read_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Frontend, Pool
    from proxy.core.plan import Plan


class Refused(Exception):
    """What was asked for cannot be done; one line. Nothing has changed."""


def rehearse(plan: Plan) -> None:
    """Raises Refused."""
    faults = [*_faults_of_frontends(plan), *_faults_of_pools(plan)]
    if faults:
        raise Refused("; ".join(faults))


def _faults_of_frontends(plan: Plan) -> Iterator[str]:
    for name in plan.frontends.added.keys() | plan.frontends.changed.keys():
        try:
            _open(plan.config.frontends[name])
        except (CertificateError, LogError) as error:
            yield f"frontend {name}: {error}"


def _open(frontend: Frontend) -> None:
    if frontend.tls is not None:
        read_certificates(frontend)
    if frontend.access_log is not None:
        try:
            open_destination(frontend.access_log.to).close()
        except OSError as error:
            raise LogError(f"cannot open {frontend.access_log.to}: {error.strerror}") from error


def _faults_of_pools(plan: Plan) -> Iterator[str]:
    for name in plan.pools.added.keys() | plan.pools.changed.keys():
        try:
            _check(plan.config.pools[name])
        except (TlsFileError, ManagedError) as error:
            yield f"pool {name}: {error}"


def _check(pool: Pool) -> None:
    if pool.tls is not None:
        make_context(pool.tls)
    for backend in pool.backends:
        if backend.command:
            check(ManagedSpec(pool.name, backend.address, backend.members, backend.command))
