"""socat through TCP mode: half-close, and all kinds of frontends."""

from __future__ import annotations

import os

import pytest

from tests.clients.support import Rproxy, program, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def socat() -> str:
    return program("socat")


def targets(rproxy: Rproxy) -> list[str]:
    port, path, abstract = rproxy.addresses["echo"]
    return [
        f"TCP:{port}",
        f"UNIX-CONNECT:{path.removeprefix('unix:')}",
        f"ABSTRACT-CONNECT:{abstract.removeprefix('unix:@')}",
    ]


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["tcp", "unix", "abstract"])
@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_all_comes_back_after_the_end_of_input(rproxy: Rproxy, kind: int, size: int) -> None:
    data = os.urandom(size)
    assert run("socat", "-t", "20", "-", targets(rproxy)[kind], data=data).stdout == data


def test_http_through_a_tcp_frontend(rproxy: Rproxy) -> None:
    request = b"GET /x HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    for frontend, worker in (("tcp-port", b'"port"'), ("tcp-unix", b'"unix"')):
        answer = run("socat", "-t", "20", "-", f"TCP:{rproxy.addresses[frontend][0]}", data=request).stdout
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert worker in answer
