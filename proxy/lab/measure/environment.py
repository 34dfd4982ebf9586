"""What a comparison depends on beside the models: the machine, its kernel, and versions."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from proxy.serve.machine.cgroup import usable_cpus

SYSCTLS = (
    "net.core.somaxconn", "net.core.netdev_max_backlog", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_migrate_req",
    "net.ipv4.tcp_syncookies", "net.ipv4.tcp_abort_on_overflow", "net.ipv4.tcp_tw_reuse",
    "net.ipv4.ip_local_port_range",
)  # fmt: skip
PACKAGES = ("rproxy", "trio", "httptools", "hdrhistogram", "uvicorn", "gunicorn", "hypercorn", "granian")
PROGRAMS = {
    "nginx": "-v", "haproxy": "-v", "envoy": "--version", "caddy": "version", "systemctl": "--version",
    "beanstalkd": "-v", "ruby": "--version", "socat": "-V", "ffmpeg": "-version", "wrk": "-v", "h2load": "--version",
}  # fmt: skip
_NUMBER = re.compile(r"\d+(?:\.\d+)+|(?<=systemd )\d+")  # systemd has but one
_PATIENCE = 5.0  # seconds for a program to tell its version


def environment(extra_path: str = "/usr/sbin:/sbin") -> dict[str, dict[str, str]]:
    """Names and values in groups: machine, kernel, packages, programs; what is not there is absent. Blocks for some
    0.2 s: programs are asked for their version."""
    return {"machine": _machine(), "kernel": _kernel(), "packages": _packages(), "programs": _programs(extra_path)}


def _machine() -> dict[str, str]:
    """cpus: that we may use, by affinity and the quota of the cgroup. load: how busy it was for the last minute."""
    found = {
        "processor": _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cpus": f"{usable_cpus():g}",
        "memory": _field("/proc/meminfo", "MemTotal"),
        "load": f"{os.getloadavg()[0]:.2f}",
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "") if Path("/etc/os-release").exists() else "",
        "user": "root" if os.geteuid() == 0 else "not root",
    }
    return {name: value for name, value in found.items() if value}


def _kernel() -> dict[str, str]:
    return {"release": platform.release(), **{name: value for name in SYSCTLS if (value := _sysctl(name))}}


def _packages() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _programs(extra_path: str) -> dict[str, str]:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), extra_path))
    where = {name: found for name in PROGRAMS if (found := shutil.which(name, path=path))}
    return {name: _version_of([found, PROGRAMS[name]]) for name, found in where.items()}


def _version_of(command: list[str]) -> str:
    """The first number that it tells, on whichever output: nginx uses the other, and wrk calls it an error."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_PATIENCE,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"unknown: {error}"
    found = _NUMBER.search(done.stdout.decode(errors="replace"))
    return found[0] if found else "unknown"


def _field(path: str, name: str) -> str:
    """Of a file of `name: value` lines, the first of that name."""
    for line in _read(path).splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _sysctl(name: str) -> str:
    return " ".join(_read("/proc/sys/" + name.replace(".", "/")).split())


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
