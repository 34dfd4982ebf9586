"""haproxy in front of rproxy: its health checks, requests, uploads and WebSocket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.clients.servers import haproxy
from tests.clients.support import Rproxy, module
from tests.processes import free_port, request, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

CONFIG = """
    defaults
        mode http
        timeout connect 5s
        timeout client 30s
        timeout server 30s
        timeout tunnel 30s

    listen web
        bind {address}
        option forwardfor
        option httpchk GET /healthz
        server port {port} check inter 100ms
        server unix unix@{path} check inter 100ms
"""


def test_haproxy_in_front(rproxy: Rproxy, directory: Path) -> None:
    module("websockets")
    from websockets.sync.client import connect

    address = f"127.0.0.1:{free_port()}"
    port, unix, _ = rproxy.addresses["web"]
    config = CONFIG.format(address=address, port=port, path=unix.removeprefix("unix:"))
    with haproxy(directory, address, config):
        wait_until(lambda: request(address, "/healthz").status == 200)
        for _ in range(10):
            report = json.loads(request(address, "/a", "PUT", b"y" * 200_000).body)
            assert report["body_length"] == 200_000
        assert len(request(address, "/bytes?size=1000000&chunked=1").body) == 1_000_000
        with connect(f"ws://{address}/websocket", proxy=None) as websocket:
            websocket.send("hello")
            assert websocket.recv(10) == "hello"
