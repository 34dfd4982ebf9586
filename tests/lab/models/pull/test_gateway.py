"""HTTP through a gateway, a queue and workers, as clients meet it."""

from __future__ import annotations

import hashlib
import json
import socket
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import short_directory
from tests.lab.models.queue.servers import queue_server
from tests.processes import connect, free_port, read_all, request, start_backend, start_process, wait_listening

if TYPE_CHECKING:
    from collections.abc import Iterator

PULL = "proxy.lab.models.pull"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A gateway, before a queue with one worker. Jobs have 100,000 bytes at most."""
    with ExitStack() as stack:
        queue = stack.enter_context(queue_server("embedded"))
        application = f"unix:{stack.enter_context(short_directory())}/app"
        stack.enter_context(start_backend("hello", listen=application))
        worker = ("--queue", f"unix:{queue}", "--application", application)
        stack.enter_context(start_process((sys.executable, "-m", f"{PULL}.worker", *worker)))
        yield stack.enter_context(gateway(queue))


@contextmanager
def gateway(queue: str, *options: str) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    command = (sys.executable, "-m", f"{PULL}.gateway", "--listen", address, "--queue", f"unix:{queue}", *options)
    with start_process(command) as process:
        wait_listening(address, process=process)
        yield address


def test_a_request_goes_through_with_its_body(address: str) -> None:
    answer = request(address, "/a?b=c", "POST", b"x" * 90_000)
    report = json.loads(answer.body)
    assert (report["method"], report["path"], report["query"]) == ("POST", "/a", "b=c")
    assert report["body_sha256"] == hashlib.sha256(b"x" * 90_000).hexdigest()


def test_requests_in_a_row_are_answered_in_order(address: str) -> None:
    asked = b"".join(b"GET /?size=%d HTTP/1.1\r\nHost: h\r\n\r\n" % size for size in (3, 5))
    last = b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    with connect(address) as sock:
        sock.sendall(asked + last)
        answers = read_all(sock)
    first, second, third = answers.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert first.endswith(b"\r\n\r\nxxx")
    assert second.endswith(b"\r\n\r\nxxxxx")
    assert b"Connection: close\r\n" in third
    assert third.endswith(b"\r\n\r\n")


def test_http_1_0_is_told_what_becomes_of_the_connection(address: str) -> None:
    with connect(address) as sock:
        sock.sendall(b"GET /?size=1 HTTP/1.0\r\n\r\n")
        assert read_all(sock).endswith(b"Connection: close\r\n\r\nx")


def test_who_waits_with_the_body_is_told_to_go_on(address: str) -> None:
    with connect(address) as sock:
        sock.sendall(b"POST /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"ok")
        assert b'"body_length": 2' in sock.recv(1000)


def test_what_is_no_request_is_refused(address: str) -> None:
    with connect(address) as sock:
        sock.sendall(b"\x16\x03\x01\x00\r\n\r\n")
        assert read_all(sock).startswith(b"HTTP/1.1 400 ")


def test_a_job_that_the_queue_does_not_take_is_told(address: str) -> None:
    answer = request(address, "/", "POST", b"x" * 100_001)
    assert answer.status == 502
    assert b"JOB_TOO_BIG" in answer.body


def test_a_client_that_is_gone_harms_nobody(address: str) -> None:
    with connect(address) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        sock.shutdown(socket.SHUT_RDWR)
    assert request(address).status == 200


@pytest.mark.slow
def test_a_request_that_no_worker_takes_is_given_up() -> None:
    with queue_server("embedded") as queue, gateway(queue, "--timeout", "0.05") as address:
        assert request(address).status == 504
