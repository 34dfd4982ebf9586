"""What a configuration file says, after validation: frozen dataclasses; tests and embeddings may build them by hand."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator

from proxy.core.config.sections.access_log import AccessLog, LogFile, LogStdout, LogSyslog, LogTarget
from proxy.core.config.sections.admin import Admin
from proxy.core.config.sections.ejection import Ejection
from proxy.core.config.sections.frontend import Frontend, FrontendLimits, FrontendTimeouts, ListenOptions
from proxy.core.config.sections.health_check import HealthCheck
from proxy.core.config.sections.policy import Redirect, Respond
from proxy.core.config.sections.pool import Backend, Pool, PoolTimeouts
from proxy.core.config.sections.pool_tls import PoolTls
from proxy.core.config.sections.retries import RetryBudget
from proxy.core.config.sections.route import Route
from proxy.core.config.sections.section import Section, like
from proxy.core.config.sections.tls import Certificate, FrontendTls
from proxy.core.config.sections.units import Duration
from proxy.core.config.sections.values import Flag, UserName, Workers, name_tables

__all__ = [
    "AccessLog",
    "Admin",
    "Backend",
    "Certificate",
    "Config",
    "Ejection",
    "Frontend",
    "FrontendLimits",
    "FrontendTimeouts",
    "FrontendTls",
    "HealthCheck",
    "ListenOptions",
    "LogFile",
    "LogStdout",
    "LogSyslog",
    "LogTarget",
    "Pool",
    "PoolTimeouts",
    "PoolTls",
    "Redirect",
    "Reload",
    "Respond",
    "RetryBudget",
    "Route",
    "Shutdown",
    "Upgrade",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown(Section):
    """What happens after SIGTERM."""

    drain: Annotated[Duration, like("30s")] = 30.0
    """How long running work may take to finish; new work is refused. Default 30s, at most 1d."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload(Section):
    """When this file is read again, besides on SIGHUP and on the admin's command."""

    watch: Annotated[Flag, like(True)] = False
    """Read it whenever it changed. Default false: a file that is edited in place may be good by chance before it is
    meant to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade(Section):
    """What happens after SIGUSR2: a new program takes over, from the same command line."""

    start: Annotated[Duration, like("60s")] = 60.0
    """How long the new program may take until it serves clients; one that takes longer is ended, and the old one goes
    on. Default 60s, at most 1d."""
    drain: Annotated[Duration, like("1h")] = 3600.0
    """How long tunnels, TCP sessions and whatever else runs in the old program may go on. Default 1h, at most 1d."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(Section):
    """One configuration file of rproxy."""

    workers: Annotated[Workers, like(4)] = 1
    """Processes that serve clients, from 1 to 256; "auto" is one per CPU. With more than one there is a supervisor
    besides, which starts them anew when they die. Default 1: one process does it all."""
    worker_timeout: Annotated[Duration, like("10s")] = 10.0
    """Of several workers, one that does nothing for so long, not even note the time, is killed and replaced.
    Default 10s, at most 1d."""
    frontends: Annotated[
        dict[str, Frontend],
        BeforeValidator(name_tables),
        like({"web": {"listen": "0.0.0.0:8080", "pool": "app"}}, min_length=1),
    ]
    """Where clients connect, by name. At least one."""
    pools: Annotated[dict[str, Pool], BeforeValidator(name_tables), like({"app": {"backends": ["127.0.0.1:9001"]}})] = (
        field(default_factory=dict)
    )
    """Where work goes, by name. Default: none."""
    user: Annotated[UserName | None, like("nobody")] = None
    """The user of this machine that rproxy becomes when its listeners are bound and its files are open; only root can.
    Managed backends are started as this user. Default: none, it stays who it is."""
    group: Annotated[UserName | None, like("nogroup")] = None
    """The group that it takes then, instead of the user's own. Default: none."""
    admin: Annotated[Admin | None, like({"listen": "127.0.0.1:9900", "token_file": "/etc/rproxy/admin-token"})] = None
    """Where people and programs look at rproxy, and change what it does. Default: none."""
    reload: Annotated[Reload, like({"watch": True})] = field(default_factory=Reload)
    """When this file is read again."""
    shutdown: Annotated[Shutdown, like({"drain": "30s"})] = field(default_factory=Shutdown)
    """What happens after SIGTERM."""
    upgrade: Annotated[Upgrade, like({"drain": "1h"})] = field(default_factory=Upgrade)
    """What happens after SIGUSR2."""
