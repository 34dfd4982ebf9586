"""PROXY headers from and to other implementations: curl and haproxy send, nginx and haproxy receive."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.clients.servers import haproxy, nginx
from tests.clients.support import program, run, running
from tests.processes import free_port, request, wait_until

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

pytestmark = pytest.mark.slow

RECEIVING = """
[frontends.web]
listen = ["127.0.0.1:0", "unix:{directory}/web.sock"]
pool = "app"
proxy_protocol = true
trusted_proxies = ["127.0.0.0/8", "unix:"]

[[pools.app.backends]]
address = "unix:{directory}/app.sock"
command = "python -m backends.hello --listen {{address}}"
"""
SENDING = """
[frontends.web]
listen = "127.0.0.1:0"
pool = "app"

[frontends.unix]
listen = "unix:{directory}/web.sock"
pool = "app"

[frontends.tcp]
listen = "127.0.0.1:0"
mode = "tcp"
pool = "app"

[pools.app]
backends = ["{backend}"]
proxy_protocol = "{version}"
health_check = {{ path = "/" , interval = "100ms" }}
"""
HAPROXY_DEFAULTS = """
    defaults
        mode http
        timeout connect 5s
        timeout client 30s
        timeout server 30s
"""
HAPROXY_SENDS = (
    HAPROXY_DEFAULTS
    + """
    listen web
        bind {address}
        unique-id-format %[rand(1000)]-%[src_port]
        http-request set-header X-Said %[src]
        server one {server} {option} check inter 100ms
"""
)
HAPROXY_RECEIVES = (
    HAPROXY_DEFAULTS
    + """
    frontend web
        bind {address} accept-proxy
        http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"
"""
)
NGINX_RECEIVES = """
    server {{
        listen {address} proxy_protocol;
        location / {{
            set $server "$proxy_protocol_server_addr $proxy_protocol_server_port";
            return 200 "$proxy_protocol_addr $proxy_protocol_port $server";
        }}
    }}
"""
OPTIONS = {
    "v1": "send-proxy",
    "v2": "send-proxy-v2",
    "v2-tlvs": "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority",
}


def fields(body: bytes) -> dict[str, str]:
    report: dict[str, Any] = json.loads(body)
    return {name.lower(): value for name, value in report["headers"]}


def test_curl_sends(directory: Path) -> None:
    """Version 1, with its own address."""
    with running(RECEIVING.format(directory=directory)) as rproxy:
        url = f"http://{rproxy.address}/"
        curl = (program("curl"), "-sS", "--haproxy-protocol", "--interface", "127.0.0.9", url, url)
        answers = run(*curl).stdout.decode()
        assert re.findall(r'"X-Forwarded-For", "([^"]*)"', answers) == ["127.0.0.9"] * 2


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("where", ["port", "unix"])
def test_haproxy_sends(option: str, where: str, directory: Path) -> None:
    """Also in its health checks, which are LOCAL in version 2; with a checksum that is verified."""
    with running(RECEIVING.format(directory=directory)) as rproxy:
        port, unix = rproxy.addresses["web"]
        address = f"127.0.0.1:{free_port()}"
        server = port if where == "port" else "unix@" + unix.removeprefix("unix:")
        with haproxy(directory, address, HAPROXY_SENDS.format(address=address, server=server, option=OPTIONS[option])):
            wait_until(lambda: request(address, "/").status == 200)
            for _ in range(3):
                found = fields(request(address, "/").body)
                assert found["x-forwarded-for"] == found["x-said"] == "127.0.0.1"
        assert "proxy-header" not in rproxy.log, rproxy.log


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("receiver", ["nginx", "haproxy"])
def test_others_receive(receiver: str, version: str, directory: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    start, config = (nginx, NGINX_RECEIVES) if receiver == "nginx" else (haproxy, HAPROXY_RECEIVES)
    with (
        start(directory, address, config.format(address=address)),
        running(SENDING.format(directory=directory, backend=address, version=version)) as rproxy,
    ):
        for name in ("web", "tcp"):
            (frontend,) = rproxy.addresses[name]
            curl = (program("curl"), "-sS", "-w", " %{local_port}\n", f"http://{frontend}/")
            host, port, local_host, local_port, own_port = run(*curl).stdout.decode().split()
            assert (host, local_host, f"{local_host}:{local_port}") == ("127.0.0.1", "127.0.0.1", frontend)
            assert port == own_port
        (unix,) = rproxy.addresses["unix"]
        answer = run(program("curl"), "-sS", "--unix-socket", unix.removeprefix("unix:"), "http://a/").stdout.decode()
        assert answer.split()[:1] in ([], ["127.0.0.1"])  # no client's address: nginx says none, haproxy rproxy's
        assert "unhealthy" not in rproxy.log, rproxy.log
