"""The admin server in a process of its own: where it listens, what it costs those who have none, and its end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import RPROXY, running, short_directory, started
from tests.processes import DEADLINE, ROOT, connect, free_port, request, start_backend

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[frontends.web]
listen = "127.0.0.1:0"
pool = "app"
[pools.app]
backends = ["{backend}"]
[shutdown]
drain = "100ms"
[admin]
listen = "{admin}"
"""
LIBRARIES = ("fastapi", "starlette", "hypercorn", "prometheus_client")

pytestmark = pytest.mark.slow


def config(admin: str, backend: str = "127.0.0.1:1") -> str:
    return CONFIG.replace("{admin}", admin).replace("{backend}", backend)


def test_it_listens_where_the_start_table_says() -> None:
    with running(config("127.0.0.1:0")) as rproxy:
        (row,) = [line.split() for line in rproxy.output.splitlines() if line.startswith("admin")]
        assert request(row[2], "/healthz").body == b"ok\n"
        assert "CTRL + C" not in rproxy.log


def test_over_a_unix_socket_that_is_gone_afterwards() -> None:
    with short_directory() as directory:
        path = directory / "admin.sock"
        with running(config(f"unix:{path}")):
            assert request(f"unix:{path}", "/healthz").status == 200
        assert not path.exists()


def test_an_address_that_is_taken_is_said_before_anything_serves(tmp_path: Path) -> None:
    with running(config("127.0.0.1:0")) as rproxy:
        (row,) = [line.split() for line in rproxy.output.splitlines() if line.startswith("admin")]
        file = tmp_path / "lb.toml"
        file.write_text(config(row[2]))
        second = subprocess.run([*RPROXY, "--config", file], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert f"rproxy: [admin]: cannot listen on {row[2]}: Address already in use" in second.stderr


def test_it_goes_on_while_rproxy_drains_and_ends_with_it() -> None:
    admin = f"127.0.0.1:{free_port()}"
    with start_backend("hello") as backend:
        text = config(admin, backend.address).replace("100ms", "1m")
        with started(text) as rproxy, connect(rproxy.address) as client:
            client.sendall(b"GET / HTT")
            with connect(admin) as stream:
                stream.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert stream.recv(65536).startswith(b"HTTP/1.1 200")
                rproxy.signal()
                stopping = json.loads(request(admin, "/api/statistics").body)
                assert stopping["frontends"][0]["name"] == "web"
                rproxy.signal(signal.SIGTERM)
                assert rproxy.process.wait(DEADLINE) == 0
            assert "Traceback" not in rproxy.log


def test_whoever_has_no_admin_table_does_not_wait_for_its_libraries(tmp_path: Path) -> None:
    file = tmp_path / "lb.toml"
    file.write_text(config("127.0.0.1:9900"))
    code = (
        "import sys; from proxy.cli import main; main(['check', sys.argv[1]]); import proxy.serve.workers.supervisor; "
        f"print([name for name in {LIBRARIES} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, file], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
