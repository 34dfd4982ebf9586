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
    from collections.abc import Collection, Iterator

    from proxy.core.config import Frontend, Pool
    from proxy.core.reload.plan import Plan


_OF_TLS = frozenset({"tls", "mode"})
_OF_LOG = frozenset({"access_log", "mode", "forwarded", "trusted_proxies"})  # then it is opened anew


class Refused(Exception):
    """What was asked for cannot be done; one line. Nothing has changed."""


def rehearse(plan: Plan) -> None:
    """Raises Refused."""
    faults = [*_faults_of_frontends(plan), *_faults_of_pools(plan)]
    if faults:
        raise Refused("; ".join(faults))


def _faults_of_frontends(plan: Plan) -> Iterator[str]:
    changed = {name: {setting.path[0] for setting in settings} for name, settings in plan.frontends.changed.items()}
    for name, what in {**changed, **dict.fromkeys(plan.frontends.added, _OF_TLS | _OF_LOG)}.items():
        try:
            _open(plan.config.frontends[name], what)
        except (CertificateError, LogError) as error:
            yield f"frontend {name}: {error}"


def _open(frontend: Frontend, changed: Collection[str]) -> None:
    """What is read or opened anew; by now we may have given up the right to read the rest."""
    if frontend.tls is not None and not _OF_TLS.isdisjoint(changed):
        read_certificates(frontend)
    if frontend.access_log is not None and not _OF_LOG.isdisjoint(changed):
        try:
            open_destination(frontend.access_log.to).close()
        except OSError as error:
            raise LogError(f"cannot open {frontend.access_log.to}: {error.strerror}") from error


def _faults_of_pools(plan: Plan) -> Iterator[str]:
    changed = {name: change.touches("tls") for name, change in plan.pools.changed.items()}
    for name, is_other_tls in {**changed, **dict.fromkeys(plan.pools.added, True)}.items():
        try:
            _check(plan.config.pools[name], reads_tls=is_other_tls)
        except (TlsFileError, ManagedError) as error:
            yield f"pool {name}: {error}"


def _check(pool: Pool, *, reads_tls: bool) -> None:
    if pool.tls is not None and reads_tls:
        make_context(pool.tls)
    for backend in pool.backends:
        if backend.command:
            check(ManagedSpec(pool.name, backend.address, backend.members, backend.command))
