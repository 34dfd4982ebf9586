"""The configuration of rproxy: a TOML file, checked whole, as frozen dataclasses.

`load.check_file` and `load.check_text` also return warnings, `report` shows problems to people and programs.
"""

from proxy.core.config.load import Checked, check_alone, check_file, check_text, load_config, parse_config
from proxy.core.config.problem import ConfigErrors, ConfigProblem
from proxy.core.config.report import problems_as_json, render_problems
from proxy.core.config.schema import json_schema
from proxy.core.config.sections.model import (
    AccessLog,
    Admin,
    Backend,
    Certificate,
    Config,
    Ejection,
    Frontend,
    FrontendLimits,
    FrontendTimeouts,
    FrontendTls,
    HealthCheck,
    ListenOptions,
    LogFile,
    LogStdout,
    LogSyslog,
    LogTarget,
    Pool,
    PoolTimeouts,
    PoolTls,
    Redirect,
    Reload,
    Respond,
    RetryBudget,
    Route,
    Shutdown,
    Upgrade,
)
from proxy.core.config.sections.values import AUTO

__all__ = [
    "AUTO",
    "AccessLog",
    "Admin",
    "Backend",
    "Certificate",
    "Checked",
    "Config",
    "ConfigErrors",
    "ConfigProblem",
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
    "check_alone",
    "check_file",
    "check_text",
    "json_schema",
    "load_config",
    "parse_config",
    "problems_as_json",
    "render_problems",
]
