"""TLS that ends here, with clients that people use: curl, openssl, Python's ssl, websockets; and what it takes up."""

from __future__ import annotations

import hashlib
import json
import os
import re
import ssl
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import Rproxy, module, program, run, running, short_directory
from tests.processes import DEADLINE, connect, free_port
from tests.tls import certificate, client_context, write_authority, write_certificate

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Figures

pytestmark = pytest.mark.slow

BODY = os.urandom(1 << 20)
CONFIG = """
[frontends.web]
listen = "127.0.0.1:0"
pool = "app"

[frontends.web.tls]
certificates = [{{ certificate = "{cert}", key = "{key}" }}]

[frontends.personal]
listen = "127.0.0.1:0"
pool = "app"

[frontends.personal.tls]
certificates = [{{ certificate = "{cert}", key = "{key}" }}]
client_certificates = "required"
client_ca = "{ca}"

[frontends.plain]
listen = "127.0.0.1:0"
pool = "app"

[frontends.echo]
listen = "127.0.0.1:0"
mode = "tcp"
pool = "echo"

[frontends.echo.tls]
certificates = [{{ certificate = "{cert}", key = "{key}" }}]

[[pools.app.backends]]
address = "127.0.0.1:{port}"
command = "python -m backends.hello --listen {{address}}"

[[pools.echo.backends]]
address = "unix:{directory}/echo.sock"
command = "python -m backends.echo --listen {{address}}"
"""


@pytest.fixture(scope="module")
def files() -> Iterator[Path]:
    """server.pem, server.key, tests-ca.pem, client.pem, client.key."""
    with short_directory() as directory:
        write_certificate(directory, "localhost", "127.0.0.1")
        write_certificate(directory, "client.example", stem="client")
        write_authority(directory)
        yield directory


@pytest.fixture(scope="module")
def tls(files: Path) -> Iterator[Rproxy]:
    names = {"cert": files / "server.pem", "key": files / "server.key", "ca": files / "tests-ca.pem"}
    with running(CONFIG.format(**names, port=free_port(), directory=files)) as found:
        yield found


def curl(files: Path, *args: str, data: bytes | None = None) -> bytes:
    program("curl")
    return run("curl", "-sS", "--cacert", str(files / "tests-ca.pem"), *args, data=data).stdout


def test_curl_keeps_its_connection_and_agrees_on_http_1_1(tls: Rproxy, files: Path) -> None:
    url = f"https://{tls.address}/"
    told = curl(files, "-w", "%{num_connects} %{http_version} ", "-o", "/dev/null", url, "-o", "/dev/null", url)
    assert told.split() == [b"1", b"1.1", b"0", b"1.1"]
    headers = {name.lower(): value for name, value in json.loads(curl(files, url))["headers"]}
    assert headers["x-forwarded-proto"] == "https"


def test_curl_uploads_and_downloads_whole_bodies(tls: Rproxy, files: Path) -> None:
    url = f"https://{tls.address}"
    report = json.loads(curl(files, "-T", "-", f"{url}/sink", data=BODY))
    assert report["body_sha256"] == hashlib.sha256(BODY).hexdigest()
    assert curl(files, "-T", "-", f"{url}/echo", data=BODY) == BODY
    assert (
        curl(files, "-w", "%{size_download}", "-o", "/dev/null", "--limit-rate", "8M", f"{url}/?size=4000000")
        == b"4000000"
    )


def test_curl_with_and_without_a_client_certificate(tls: Rproxy, files: Path) -> None:
    url = f"https://{tls.addresses['personal'][0]}/"
    shown = ("--cert", str(files / "client.pem"), "--key", str(files / "client.key"))
    headers = {name.lower(): value for name, value in json.loads(curl(files, *shown, url))["headers"]}
    assert headers["x-client-cert-verified"] == "SUCCESS"
    der = ssl.PEM_cert_to_DER_cert(certificate("client.example").cert_chain_pems[0].bytes().decode())
    assert headers["x-client-cert-fingerprint"] == hashlib.sha256(der).hexdigest()
    refused = subprocess.run(("curl", "-sS", "--cacert", str(files / "tests-ca.pem"), url), capture_output=True)
    assert b"certificate required" in refused.stderr


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_resumes_its_session(tls: Rproxy, files: Path, version: str) -> None:
    program("openssl")
    ask = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    base = ("openssl", "s_client", "-connect", tls.address, version, "-CAfile", str(files / "tests-ca.pem"), "-ign_eof")
    session = str(files / f"session{version}")
    first = run(*base, "-sess_out", session, data=ask).stdout
    again = run(*base, "-sess_in", session, data=ask).stdout
    assert re.search(rb"^New, TLS", first, re.MULTILINE)
    assert re.search(rb"^Reused, TLS", again, re.MULTILINE)
    assert b"Verify return code: 0 (ok)" in first


def test_openssl_changes_its_keys_in_the_middle(tls: Rproxy) -> None:
    """A key update that asks for ours: what we have to write while we read."""
    program("openssl")
    with subprocess.Popen(
        ("openssl", "s_client", "-connect", tls.addresses["echo"][0], "-tls1_3"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for number in range(3):
                process.stdin.write(b"K\n")
                process.stdin.flush()
                _read_until(process.stdout.fileno(), b"KEYUPDATE")
                process.stdin.write(b"line %d\n" % number)
                process.stdin.flush()
                _read_until(process.stdout.fileno(), b"line %d\n" % number)
        finally:
            process.kill()


def _read_until(fd: int, end: bytes) -> None:
    data = b""
    while end not in data:
        more = os.read(fd, 65536)
        assert more, data[-500:]
        data += more


def test_websocket(tls: Rproxy) -> None:
    module("websockets")
    from websockets.sync.client import connect as open_websocket

    with open_websocket(f"wss://{tls.address}/websocket", ssl=client_context(), proxy=None) as websocket:
        for message in ("hello", "", os.urandom(300_000)):
            websocket.send(message)
            assert websocket.recv(10) == message
        assert websocket.ping().wait(10)


def test_python_sends_and_reads_at_once_through_tcp_mode(tls: Rproxy) -> None:
    context = client_context()
    with connect(tls.addresses["echo"][0]) as plain, context.wrap_socket(plain, server_hostname="localhost") as sock:
        sock.settimeout(DEADLINE)
        for start in range(0, len(BODY), 50_000):
            piece = BODY[start : start + 50_000]
            sock.sendall(piece)
            assert b"".join(iter_exactly(sock, len(piece))) == piece
        sock.unwrap()  # raises unless close_notify comes back


def iter_exactly(sock: ssl.SSLSocket, size: int) -> Iterator[bytes]:
    while size:
        data = sock.recv(size)
        assert data
        size -= len(data)
        yield data


def test_what_an_idle_connection_takes_up(tls: Rproxy, figures: Figures) -> None:
    context = client_context()
    count = 150
    sizes = {}
    for name, path in (("plain", "/"), ("tls", "/"), ("tls after 1 MB down", "/?size=1000000")):
        address = tls.addresses["plain" if name == "plain" else "web"][0]
        before = resident(tls.process.pid)
        with ExitStack() as stack:
            for _ in range(count):
                sock: socket.socket = stack.enter_context(connect(address))
                if name != "plain":
                    sock = stack.enter_context(context.wrap_socket(sock, server_hostname="localhost"))
                sock.sendall(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode())
                _read_answer(sock)
            sizes[name] = (resident(tls.process.pid) - before) / count
    told = ", ".join(f"{name} {size / 1024:.1f} KiB" for name, size in sizes.items())
    figures(f"memory of an idle client connection, {count} of each, one after another: {told}")
    assert max(sizes.values()) < 200 * 1024


def _read_answer(sock: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    left = int(re.search(rb"(?i)content-length: (\d+)", head)[1]) - len(body)  # type: ignore[index] # it has one
    while left:
        left -= len(sock.recv(min(left, 65536)))


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
