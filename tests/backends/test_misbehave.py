from __future__ import annotations

import subprocess
import sys

import pytest

from backends._client import RESPONSE
from backends.misbehave import FAULTS
from tests.processes import ROOT, connect, exchange, read_all, start_backend

RESETS = {"reset-at-accept", "reset-after-request", "half-body-reset"}
STREAMS = {
    "none": RESPONSE,
    "close-at-accept": b"",
    "close-after-request": b"",
    "hang": b"",
    "half-head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "slow-head": RESPONSE,
    "half-body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
    "slow-body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
    "chunked-truncated": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
    "close-delimited": b"HTTP/1.0 200 OK\r\n\r\nok",
    "silent-close": RESPONSE,
    "body-with-204": b"HTTP/1.1 204 No Content\r\n\r\nok",
    "early-413": b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n",
}


def get(fault: str) -> bytes:
    return b"GET /%b HTTP/1.1\r\nHost: test\r\n\r\n" % fault.encode()


@pytest.mark.parametrize("fault", sorted(STREAMS))
def test_the_bytes_of_a_fault(misbehave: str, fault: str) -> None:
    assert exchange(misbehave, get(fault)) == STREAMS[fault]


@pytest.mark.parametrize("fault", sorted(RESETS))
def test_resets(misbehave: str, fault: str) -> None:
    with connect(misbehave) as sock:
        sock.sendall(get(fault))
        with pytest.raises(ConnectionResetError):
            read_all(sock)


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - STREAMS.keys() - RESETS - {"early-413-close"}))
def test_other_faults_answer_something_and_go_on(misbehave: str, fault: str) -> None:
    answer = exchange(misbehave, get(fault) + get("none"))
    assert answer.endswith(RESPONSE)
    assert len(answer) > len(RESPONSE) + 2


def test_early_answer_comes_before_the_body(misbehave: str) -> None:
    with connect(misbehave) as sock:
        sock.sendall(b"POST /early-413-close HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_faults_that_must_not_read_on_end_the_connection(misbehave: str) -> None:
    assert exchange(misbehave, get("silent-close") + get("none")) == RESPONSE


@pytest.mark.slow
def test_fault_at_accept() -> None:
    with start_backend("misbehave", "--fault", "close-at-accept") as backend:
        assert exchange(backend.address, b"") == b""
    with start_backend("misbehave", "--fault", "reset-at-accept") as backend:
        sock = connect(backend.address)
        with sock, pytest.raises(ConnectionResetError):
            sock.recv(1)
    with start_backend("misbehave", "--fault", "hang") as backend, connect(backend.address) as sock:
        sock.sendall(get("none"))
        sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            sock.recv(1)


@pytest.mark.slow
def test_list_names_every_fault() -> None:
    command = (sys.executable, "-m", "backends.misbehave", "--list")
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split() == list(FAULTS)
