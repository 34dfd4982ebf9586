"""One rproxy for all tests that only talk through it: HTTP and TCP frontends, TCP and Unix backends."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import Rproxy, running, short_directory
from tests.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """
[frontends.web]
listen = ["127.0.0.1:0", "unix:{directory}/web.sock", "unix:@rproxy-test-{pid}"]
pool = "app"

[frontends.http-port]
listen = "127.0.0.1:0"
pool = "port"

[frontends.http-unix]
listen = "127.0.0.1:0"
pool = "unix"

[frontends.tcp-port]
listen = "127.0.0.1:0"
mode = "tcp"
pool = "port"

[frontends.tcp-unix]
listen = "127.0.0.1:0"
mode = "tcp"
pool = "unix"

[frontends.echo]
listen = ["127.0.0.1:0", "unix:{directory}/echo.sock", "unix:@rproxy-test-echo-{pid}"]
mode = "tcp"
pool = "echo"

[[pools.app.backends]]
address = "127.0.0.1:{ports[0]}"
command = "python -m backends.hello --listen {{address}} --name app"

[[pools.port.backends]]
address = "127.0.0.1:{ports[1]}"
command = "python -m backends.hello --listen {{address}} --name port"

[[pools.unix.backends]]
address = "unix:{directory}/hello.sock"
command = "python -m backends.hello --listen {{address}} --name unix"

[[pools.echo.backends]]
address = "unix:{directory}/echo-backend.sock"
command = "python -m backends.echo --listen {{address}}"
"""


@pytest.fixture(scope="session")
def rproxy() -> Iterator[Rproxy]:
    with short_directory() as directory:
        ports = [free_port(), free_port()]
        with running(CONFIG.format(directory=directory, pid=os.getpid(), ports=ports)) as found:
            yield found


@pytest.fixture
def directory() -> Iterator[Path]:
    """For Unix sockets: its name is short."""
    with short_directory() as path:
        yield path
