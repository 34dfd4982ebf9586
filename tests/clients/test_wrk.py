"""wrk with 200 connections for a second: not how fast, but that every answer is right."""

from __future__ import annotations

import re

import pytest

from tests.clients.support import Rproxy, program, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("frontend", ["http-port", "http-unix", "tcp-port", "tcp-unix"])
def test_200_connections_without_an_error(rproxy: Rproxy, frontend: str) -> None:
    wrk = program("wrk")
    url = f"http://{rproxy.addresses[frontend][0]}/?size=1000"
    report = run(wrk, "--threads", "1", "--connections", "200", "--duration", "1s", "--timeout", "10s", url)
    text = report.stdout.decode()
    assert "Socket errors" not in text, text
    assert "Non-2xx" not in text, text
    count = re.search(r"(\d+) requests in", text)
    assert count, text
    assert int(count[1]) >= 200, text


def test_a_connection_for_each_request(rproxy: Rproxy) -> None:
    wrk = program("wrk")
    url = f"http://{rproxy.addresses['http-unix'][0]}/?size=1000"
    text = run(wrk, "-t1", "-c50", "-d1s", "--timeout", "10s", "-H", "Connection: close", url).stdout.decode()
    assert "Non-2xx" not in text, text
    assert not re.search(r"(connect|write|timeout) [1-9]", text), text  # a close that it asked for is no read error
