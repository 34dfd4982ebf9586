"""HTTP clients of Python: http.client, h11, asyncio streams."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import json
from typing import TYPE_CHECKING

import h11
import pytest

from tests.processes import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket

    from tests.clients.support import Rproxy

pytestmark = pytest.mark.slow

HEADERS = [("Host", "test"), ("Accept", "*/*")]


# http.client


@pytest.fixture
def connection(rproxy: Rproxy) -> Iterator[http.client.HTTPConnection]:
    with contextlib.closing(http.client.HTTPConnection(rproxy.address, timeout=10)) as found:
        yield found


def test_http_client_keeps_its_connection(connection: http.client.HTTPConnection) -> None:
    connection.connect()
    sock = connection.sock
    for number in range(20):
        connection.request("GET", f"/{number}")
        assert json.load(connection.getresponse())["path"] == f"/{number}"
    assert connection.sock is sock  # it would have made a new one without a word


def test_http_client_uploads_an_iterator_chunked(connection: http.client.HTTPConnection) -> None:
    blocks = [bytes([number]) * 10_000 for number in range(100)]
    connection.request("POST", "/sink", iter(blocks), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
    report = json.load(connection.getresponse())
    assert report["body_sha256"] == hashlib.sha256(b"".join(blocks)).hexdigest()


def test_http_client_head_options_delete(connection: http.client.HTTPConnection) -> None:
    for method, length in (("HEAD", 0), ("OPTIONS", 77), ("DELETE", 77), ("GET", 77)):
        connection.request(method, "/?size=77")
        response = connection.getresponse()
        assert (response.status, response.headers["Content-Length"]) == (200, "77")
        assert len(response.read()) == length


# h11, which is strict about what it receives


def h11_events(sock: socket, client: h11.Connection) -> list[h11.Event]:
    """All of one response."""
    events: list[h11.Event] = []
    while not events or not isinstance(events[-1], (h11.EndOfMessage, h11.ConnectionClosed)):
        event = client.next_event()
        if event is h11.NEED_DATA:
            client.receive_data(sock.recv(65536))
        else:
            assert isinstance(event, h11.Event)
            events.append(event)
    return events


def body_of(events: list[h11.Event]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, h11.Data))


def test_h11_chunked_with_trailers(rproxy: Rproxy) -> None:
    client = h11.Connection(h11.CLIENT)
    with connect(rproxy.address) as sock:
        headers = [*HEADERS, ("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")]
        sock.sendall(client.send(h11.Request(method="POST", target="/", headers=headers)) or b"")
        for block in (b"a" * 3, b"b" * 70_000):
            sock.sendall(client.send(h11.Data(data=block)) or b"")
        sock.sendall(client.send(h11.EndOfMessage(headers=[("X-Sum", "1")])) or b"")
        assert json.loads(body_of(h11_events(sock, client)))["body_length"] == 70_003


def test_h11_waits_for_100_continue_and_goes_on(rproxy: Rproxy) -> None:
    client = h11.Connection(h11.CLIENT)
    with connect(rproxy.address) as sock:
        headers = [*HEADERS, ("Content-Length", "5"), ("Expect", "100-continue")]
        sock.sendall(client.send(h11.Request(method="PUT", target="/sink", headers=headers)) or b"")
        client.receive_data(sock.recv(65536))
        interim = client.next_event()
        assert isinstance(interim, h11.InformationalResponse)
        assert interim.status_code == 100
        sock.sendall((client.send(h11.Data(data=b"12345")) or b"") + (client.send(h11.EndOfMessage()) or b""))
        assert json.loads(body_of(h11_events(sock, client)))["body_length"] == 5
        client.start_next_cycle()
        request = h11.Request(method="GET", target="/bytes?size=100000&chunked=1", headers=HEADERS)
        sock.sendall((client.send(request) or b"") + (client.send(h11.EndOfMessage()) or b""))
        assert len(body_of(h11_events(sock, client))) == 100_000


# asyncio


async def get(host: str, port: str, number: int) -> str:
    """The path that comes back in the second of two pipelined responses."""
    reader, writer = await asyncio.open_connection(host, int(port))
    for count in range(2):
        writer.write(f"GET /{number}.{count} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
    path = ""
    for _ in range(2):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        path = json.loads(await reader.readexactly(length))["path"]
    writer.close()
    await writer.wait_closed()
    return path


def test_asyncio_a_hundred_at_once_pipelining(rproxy: Rproxy) -> None:
    host, _, port = rproxy.address.rpartition(":")

    async def get_all() -> list[str]:
        async with asyncio.timeout(20):
            return await asyncio.gather(*(get(host, port, number) for number in range(100)))

    assert asyncio.run(get_all()) == [f"/{number}.1" for number in range(100)]
