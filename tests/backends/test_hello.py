from __future__ import annotations

import hashlib
import json
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from backends.pseudo_random import blocks, checksum
from tests.processes import DEADLINE, connect, exchange, is_listening, read_all, request, start_backend

if TYPE_CHECKING:
    from pathlib import Path

GET = b"GET /%d HTTP/1.1\r\nHost: test\r\n\r\n"


def paths(data: bytes) -> list[str]:
    """Of the JSON answers in a stream of responses."""
    return [json.loads(line)["path"] for line in data.splitlines() if line.startswith(b"{")]


def test_report(hello: str) -> None:
    answer = request(hello, "/a/b?x=1", "POST", b"abc", **{"X-Twice": "1"})
    report = json.loads(answer.body)
    assert answer.status == 200
    assert report["worker"] == "one"
    assert report["address"] == hello
    assert (report["method"], report["path"], report["query"], report["version"]) == ("POST", "/a/b", "x=1", "1.1")
    assert ["X-Twice", "1"] in report["headers"]
    assert report["body_length"] == 3
    assert report["body_sha256"] == hashlib.sha256(b"abc").hexdigest()


def test_requests_are_counted(hello: str) -> None:
    first, second = (json.loads(request(hello).body) for _ in range(2))
    assert second["count"] == first["count"] + 1
    assert second["pid"] == first["pid"]


def test_chunked_request_body_and_trailers(hello: str) -> None:
    head = b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
    data = exchange(hello, head + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n")
    report = json.loads(data.splitlines()[-1])
    assert report["body_sha256"] == hashlib.sha256(b"abcde").hexdigest()
    assert report["trailers"] == [["X-Sum", "5"]]


def test_pipelined_requests_are_answered_in_order(hello: str) -> None:
    slow = b"GET /0?delay=0.05 HTTP/1.1\r\nHost: test\r\n\r\n"
    many = b"".join(GET % number for number in range(1, 200))
    assert paths(exchange(hello, slow + many)) == [f"/{number}" for number in range(200)]


def test_nothing_is_answered_after_close(hello: str) -> None:
    close = b"GET /0 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    data = exchange(hello, close + GET % 1)
    assert b"\r\nConnection: close\r\n" in data
    assert paths(data) == ["/0"]


def test_http_1_0_closes_and_is_never_chunked(hello: str) -> None:
    with connect(hello) as sock:
        sock.sendall(b"GET /?chunked=1&size=5 HTTP/1.0\r\n\r\n")
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
    assert body == b"xxxxx"
    assert b"chunked" not in head


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [
        ("size=5", 200, b"xxxxx"),
        ("size=200000", 200, b"x" * 200000),
        ("size=200000&chunked=1", 200, b"x" * 200000),
        ("size=0", 200, b""),
        ("size=5&status=503", 503, b"xxxxx"),
        ("size=5&status=204", 204, b""),
        ("size=5&status=204&chunked=1", 204, b""),
        ("size=many", 400, b"invalid literal for int() with base 10: 'many'\n"),
        ("status=101", 400, b"status is 200 to 999, size is not negative\n"),
    ],
)
def test_query_chooses_the_answer(hello: str, query: str, status: int, body: bytes) -> None:
    answer = request(hello, f"/?{query}")
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize(
    "path", ["/?size=5", "/?size=200000", "/?size=5&chunked=1", "/echo", "/bytes?size=5", "/healthz"]
)
def test_head_has_no_body(hello: str, path: str) -> None:
    data = exchange(hello, b"HEAD %b HTTP/1.1\r\nHost: test\r\n\r\n" % path.encode())
    assert data.endswith(b"\r\n\r\n")
    assert data.count(b"\r\n\r\n") == 1


def test_close_on_request(hello: str) -> None:
    assert request(hello, "/?close=1").headers["Connection"] == "close"


def test_health(hello: str) -> None:
    assert request(hello, "/healthz").body == b"ok\n"


def test_sink(hello: str) -> None:
    body = b"".join(blocks(300_000, 1))
    report = json.loads(request(hello, "/sink", "POST", body).body)
    assert report == {"body_length": 300_000, "body_sha256": checksum(300_000, 1)}


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 1_000_000])
def test_bytes_are_those_of_their_checksum(hello: str, size: int) -> None:
    body = request(hello, f"/bytes?size={size}&seed=7").body
    assert len(body) == size
    assert hashlib.sha256(body).hexdigest() == checksum(size, 7)


def test_echo_streams_before_the_body_is_complete(hello: str) -> None:
    with connect(hello) as sock:
        sock.sendall(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n12345")
        with sock.makefile("rb") as stream:
            while stream.readline() != b"\r\n":
                pass
            assert stream.readline() + stream.readline() == b"5\r\n12345\r\n"
            sock.sendall(b"67890")
            assert stream.read(15) == b"5\r\n67890\r\n0\r\n\r\n"


@pytest.mark.slow
def test_echo_reads_no_faster_than_its_client(hello: str) -> None:
    size = 30_000_000
    with connect(hello) as sock:
        sock.sendall(b"POST /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):  # the server stopped reading, since we do not read
            sock.sendall(bytes(size))


def test_expect_continue(hello: str) -> None:
    with connect(hello) as sock:
        sock.sendall(b"POST /sink HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"ok")
        assert b"200 OK" in sock.recv(1000)


@pytest.mark.parametrize("bad", [b"rubbish\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
def test_what_cannot_be_parsed_is_refused_in_its_turn(hello: str, bad: bytes) -> None:
    data = exchange(hello, b"GET /0?delay=0.02 HTTP/1.1\r\nHost: test\r\n\r\n" + GET % 1 + bad)
    assert paths(data) == ["/0", "/1"]
    assert b"HTTP/1.1 400 Bad Request\r\n" in data


def test_half_closed_client_gets_its_answer(hello: str) -> None:
    assert paths(exchange(hello, b"GET /0?delay=0.05 HTTP/1.1\r\nHost: test\r\n\r\n")) == ["/0"]


def test_upgrade_echo_with_bytes_sent_early(hello: str) -> None:
    ask = b"GET /upgrade-echo HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n"
    data = exchange(hello, b"GET /0?delay=0.02 HTTP/1.1\r\nHost: test\r\n\r\n" + ask + b"early")
    assert paths(data) == ["/0"]
    assert data.endswith(b"101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\nearly")


def test_upgrade_that_is_declined_stays_http(hello: str) -> None:
    ask = b"GET /0 HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert paths(exchange(hello, ask + GET % 1)) == ["/0", "/1"]


def test_unix_socket_file_is_gone_after_sigterm(tmp_path: Path) -> None:
    with start_backend("hello", listen=f"unix:{tmp_path}/a.sock") as backend:
        assert json.loads(request(backend.address).body)["address"] == backend.address
        backend.process.send_signal(signal.SIGTERM)
        assert backend.process.wait(DEADLINE) == 0
    assert not (tmp_path / "a.sock").exists()


@pytest.mark.slow
def test_sigterm_finishes_what_is_running() -> None:
    with start_backend("hello") as backend, connect(backend.address) as idle, connect(backend.address) as busy:
        busy.sendall(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\no")
        assert busy.recv(1000).startswith(b"HTTP/1.1 200 OK")  # so it is running
        backend.process.send_signal(signal.SIGTERM)
        assert read_all(idle) == b""
        assert not is_listening(backend.address)
        busy.sendall(b"k")
        assert read_all(busy).endswith(b"1\r\nk\r\n0\r\n\r\n")
        assert backend.process.wait(DEADLINE) == 0


@pytest.mark.slow
def test_last_answer_says_that_it_is_the_last() -> None:
    with start_backend("hello") as backend, connect(backend.address) as idle, connect(backend.address) as busy:
        busy.sendall(b"POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert busy.recv(1000).startswith(b"HTTP/1.1 100 ")
        backend.process.send_signal(signal.SIGTERM)
        assert read_all(idle) == b""
        busy.sendall(b"ok")
        assert b"\r\nConnection: close\r\n" in read_all(busy)


@pytest.mark.slow
def test_keep_alive_ends_idle_connections_and_zero_turns_it_off() -> None:
    with start_backend("hello", "--keep-alive", "0.1") as backend, connect(backend.address) as sock:
        sock.sendall(GET % 1)
        assert paths(read_all(sock)) == ["/1"]
    with start_backend("hello", "--keep-alive", "0") as backend:
        assert request(backend.address).headers["Connection"] == "close"


@pytest.mark.parametrize(("kind", "is_first"), [("block", True), ("delay", False)])
def test_others_wait_for_who_blocks_and_not_for_who_is_delayed(hello: str, kind: str, is_first: bool) -> None:
    with connect(hello) as slow:
        slow.sendall(b"GET /?%b=0.1 HTTP/1.1\r\nHost: test\r\n\r\n" % kind.encode())
        assert request(hello, "/").status == 200
        slow.setblocking(False)
        try:
            assert slow.recv(100).startswith(b"HTTP/1.1 200") is is_first
        except BlockingIOError:
            assert not is_first


@pytest.mark.slow
def test_cpu_is_burnt() -> None:
    with start_backend("hello", "--cpu", "0.05") as backend:
        before = time.monotonic()
        request(backend.address)
        assert time.monotonic() - before >= 0.05


def test_client_that_leaves_early_does_no_harm(hello: str) -> None:
    with connect(hello) as sock:
        sock.sendall(b"GET /?delay=0.02 HTTP/1.1\r\nHost: test\r\n\r\n")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    assert request(hello, "/healthz").status == 200
