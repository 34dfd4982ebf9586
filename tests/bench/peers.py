"""rproxy, nginx and HAProxy with TLS in front of the same backend: their configurations, and their processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.clients.support import PATH
from tests.processes import ROOT, end_group, is_listening, wait_listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BACKEND, BACKEND_TLS = 19101, 19102
# Clients that speak TLS come to the first port; those of the second are plain, and the backend speaks TLS.
PORTS = {"rproxy": (18200, 18201), "nginx": (18210, 18211), "haproxy": (18220, 18221)}
COMMANDS: dict[str, Sequence[str]] = {
    "backend": ("nginx", "-c", "{directory}/backend.conf"),
    "rproxy": (sys.executable, "-m", "proxy", "--config", "{directory}/lb.toml"),
    "nginx": ("nginx", "-c", "{directory}/nginx.conf"),
    "haproxy": ("haproxy", "-f", "{directory}/haproxy.cfg"),
}
PROXY_CPU, OTHERS_CPU = 1, 0
SETTLED = 0.3  # seconds

_BACKEND = """
daemon off; worker_processes 1; pid {d}/backend.pid; error_log {d}/backend.err; events {{ worker_connections 16384; }}
http {{ access_log off; keepalive_requests 100000000; sendfile on; ssl_certificate {d}/cert.pem;
 ssl_certificate_key {d}/key.pem; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:s:10m;
 server {{ listen 127.0.0.1:{backend} backlog=8192; listen 127.0.0.1:{backend_tls} ssl backlog=8192;
  location / {{ return 200 "{small}"; }} location = /64k {{ alias {d}/body64k; }} }} }}
"""
_NGINX = """
daemon off; worker_processes 1; pid {d}/nginx.pid; error_log {d}/nginx.err; worker_rlimit_nofile 65536;
events {{ worker_connections 16384; }}
http {{ access_log off; keepalive_requests 100000000; ssl_certificate {d}/cert.pem; ssl_certificate_key {d}/key.pem;
 ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:s:10m; proxy_http_version 1.1;
 proxy_set_header Connection ""; proxy_set_header Host $host;
 proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
 upstream plain {{ server 127.0.0.1:{backend}; keepalive 2048; keepalive_requests 100000000; }}
 upstream tls {{ server 127.0.0.1:{backend_tls}; keepalive 2048; keepalive_requests 100000000; }}
 server {{ listen 127.0.0.1:{nginx[0]} ssl backlog=8192; location / {{ proxy_pass http://plain; }} }}
 server {{ listen 127.0.0.1:{nginx[1]} backlog=8192; location / {{ proxy_pass https://tls; proxy_ssl_verify on;
  proxy_ssl_trusted_certificate {d}/cert.pem; proxy_ssl_name localhost; proxy_ssl_protocols TLSv1.2 TLSv1.3; }} }} }}
"""
_HAPROXY = """
global
  nbthread 1
  maxconn 8000
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
  option forwardfor
frontend tls
  bind 127.0.0.1:{haproxy[0]} ssl crt {d}/both.pem backlog 8192
  default_backend plain
frontend plain
  bind 127.0.0.1:{haproxy[1]} backlog 8192
  default_backend tls
backend plain
  server s 127.0.0.1:{backend} pool-max-conn 2048
backend tls
  server s 127.0.0.1:{backend_tls} pool-max-conn 2048 ssl verify required ca-file {d}/cert.pem verifyhost localhost
"""
_RPROXY = """
[frontends.tls]
listen = "127.0.0.1:{rproxy[0]}"
pool = "plain"
[frontends.tls.tls]
certificates = [{{ certificate = "{d}/cert.pem", key = "{d}/key.pem" }}]
[frontends.plain]
listen = "127.0.0.1:{rproxy[1]}"
pool = "tls"
[pools.plain]
backends = ["127.0.0.1:{backend}"]
[pools.tls]
backends = ["127.0.0.1:{backend_tls}"]
[pools.tls.tls]
ca = "{d}/cert.pem"
server_name = "localhost"
"""


@dataclass
class Peers:
    """pids: by name, of the first process of each."""

    directory: Path
    pids: dict[str, int]


@contextmanager
def serving(directory: Path, names: Sequence[str]) -> Iterator[Peers]:
    """The backend and these proxies, each proxy on the CPU that it has for itself, until the block ends."""
    _write(directory)
    peers = Peers(directory, {})
    with ExitStack() as stack:
        for name in ("backend", *names):
            ports = (BACKEND, BACKEND_TLS) if name == "backend" else PORTS[name]
            taken = [port for port in ports if is_listening(f"127.0.0.1:{port}")]
            assert not taken, f"somebody else listens on {taken}"
            process = stack.enter_context(_process(directory, name))
            peers.pids[name] = process.pid
            for port in ports:
                wait_listening(f"127.0.0.1:{port}", process=process)
        yield peers


@contextmanager
def _process(directory: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    cpu = PROXY_CPU if name in PORTS else OTHERS_CPU
    command = [word.format(directory=directory) for word in COMMANDS[name]]
    with (directory / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            ["taskset", "-c", str(cpu), *command],
            cwd=ROOT, env={**os.environ, "PATH": PATH}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        end_group(process)


def _write(directory: Path) -> None:
    make_certificate(directory)
    directory.chmod(0o755)  # the workers of nginx have another user
    (directory / "body64k").write_bytes(os.urandom(65536))
    values = {"d": directory, "backend": BACKEND, "backend_tls": BACKEND_TLS, "small": "x" * 64, **PORTS}
    files = {"backend.conf": _BACKEND, "nginx.conf": _NGINX, "haproxy.cfg": _HAPROXY, "lb.toml": _RPROXY}
    for name, text in files.items():
        (directory / name).write_text(text.format(**values))


def make_certificate(directory: Path) -> None:
    """cert.pem, key.pem and, for HAProxy, both.pem: a key on P-256, as most sites have today."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    both = (directory / "cert.pem").read_text() + (directory / "key.pem").read_text()
    (directory / "both.pem").write_text(both)


def cpu_seconds(pid: int) -> tuple[float, float]:
    """User and kernel, of this process and all below it."""
    ticks = [0, 0]
    for member in family(pid):
        with suppress(OSError):
            fields = (read_proc(member, "stat")).rpartition(")")[2].split()
            ticks[0] += int(fields[11])
            ticks[1] += int(fields[12])
    per_second = os.sysconf("SC_CLK_TCK")
    return ticks[0] / per_second, ticks[1] / per_second


def read_proc(pid: int, name: str) -> str:
    with open(f"/proc/{pid}/{name}") as file:
        return file.read()


def family(pid: int) -> list[int]:
    found = [pid]
    for member in found:
        with suppress(OSError):
            found += map(int, read_proc(member, f"task/{member}/children").split())
    return found


def settle() -> None:
    """What the last round left behind is worked off."""
    time.sleep(SETTLED)
