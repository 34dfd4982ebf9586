"""uvicorn, gunicorn, hypercorn and granian, each on a Unix socket behind one rproxy, with backends/app.py."""

from __future__ import annotations

import hashlib
import http.client
import json
from typing import TYPE_CHECKING

import pytest

from backends.app import PIECE, PIECES
from tests.clients.support import Rproxy, module, running, short_directory
from tests.processes import request, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

COMMANDS = {
    "uvicorn": "python -m uvicorn --uds {socket} --log-level warning backends.app:app",
    "gunicorn": "python -m gunicorn --bind {address} --threads 4 --log-level warning backends.app:wsgi",
    "gunicorn-sync": "python -m gunicorn --bind {address} --log-level warning backends.app:wsgi",
    "hypercorn": "python -m hypercorn --bind {address} --log-level warning backends.app:app",
    "hypercorn-trio": "python -m hypercorn --bind {address} -k trio --log-level warning backends.app:app",
    "granian": "python -m granian --uds {socket} --interface asgi --log-level warning backends.app:app",
    "granian-wsgi": "python -m granian --uds {socket} --interface wsgi --log-level warning backends.app:wsgi",
}
WITH_WEBSOCKET = ["uvicorn", "hypercorn", "hypercorn-trio", "granian"]
POOL = """
[[pools.{name}.backends]]
address = "unix:{directory}/{name}.sock"
command = "{command}"
"""
BODY = b"0123456789abcdef" * 64 * 1024  # 1 MiB


@pytest.fixture(scope="module")
def servers() -> Iterator[Rproxy]:
    """All of them, by the first part of the path."""
    for name in ("uvicorn", "gunicorn", "hypercorn", "granian"):
        module(name)
    with short_directory() as directory:
        routes = ", ".join(f'{{ path = "/{name}", pool = "{name}" }}' for name in COMMANDS)
        config = f'[frontends.web]\nlisten = "127.0.0.1:0"\nroutes = [{routes}]\n'
        for name, command in COMMANDS.items():
            config += POOL.format(name=name, directory=directory, command=command)
        with running(config) as rproxy:
            yield rproxy


@pytest.fixture(params=list(COMMANDS))
def server(request: pytest.FixtureRequest, servers: Rproxy) -> str:
    """The name of one that answers; on a busy machine not all do when the table is printed."""
    name: str = request.param
    wait_for(servers, name)
    return name


def wait_for(servers: Rproxy, name: str) -> None:
    wait_until(lambda: request(servers.address, f"/{name}/").status == 200, 60.0)


def test_get(servers: Rproxy, server: str) -> None:
    report = json.loads(request(servers.address, f"/{server}/x").body)
    assert (report["method"], report["path"]) == ("GET", f"/{server}/x")


def test_post_of_a_mebibyte(servers: Rproxy, server: str) -> None:
    report = json.loads(request(servers.address, f"/{server}/", "POST", BODY).body)
    assert report["body_sha256"] == hashlib.sha256(BODY).hexdigest()


def test_chunked_post(servers: Rproxy, server: str) -> None:
    connection = http.client.HTTPConnection(servers.address, timeout=10)
    blocks = (BODY[start : start + 65536] for start in range(0, len(BODY), 65536))
    connection.request("POST", f"/{server}/", blocks, {"Transfer-Encoding": "chunked"}, encode_chunked=True)
    report = json.load(connection.getresponse())
    connection.close()
    assert report["body_sha256"] == hashlib.sha256(BODY).hexdigest()


def test_streamed_response(servers: Rproxy, server: str) -> None:
    answer = request(servers.address, f"/{server}/stream")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.body == PIECE * PIECES


def test_many_requests_on_one_connection(servers: Rproxy, server: str) -> None:
    connection = http.client.HTTPConnection(servers.address, timeout=10)
    for number in range(30):
        method, body = ("POST", b"x" * number) if number % 3 else ("GET", None)
        connection.request(method, f"/{server}/{number}", body)
        report = json.load(connection.getresponse())
        assert (report["path"], report["body_length"]) == (f"/{server}/{number}", len(body or b""))
    connection.close()


@pytest.mark.parametrize("name", WITH_WEBSOCKET)
def test_websocket(servers: Rproxy, name: str) -> None:
    module("websockets")
    from websockets.sync.client import connect

    wait_for(servers, name)
    with connect(f"ws://{servers.address}/{name}/websocket", proxy=None) as websocket:
        for message in ("hello", b"\x00\xff" * 50_000):
            websocket.send(message)
            assert websocket.recv(10) == message
