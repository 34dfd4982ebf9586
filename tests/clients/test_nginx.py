"""nginx as a backend on a Unix socket, and in front of rproxy."""

from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING

import pytest

from tests.clients.servers import nginx
from tests.clients.support import Rproxy, program, run, running, short_directory
from tests.processes import free_port, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

LARGE = random.Random(1).randbytes(24 * 1024 * 1024)
FILES = """
    server {{
        listen unix:{directory}/nginx.sock;
        root {directory}/files;
        keepalive_requests 10000;
        add_header X-Connection $connection always;
        location /old/ {{ return 301 /new/; }}
    }}
"""
CONFIG = """
    [frontends.web]
    listen = "127.0.0.1:0"
    pool = "files"

    [pools.files]
    backends = ["unix:{directory}/nginx.sock"]
"""


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """The address of an rproxy before an nginx with two files."""
    with short_directory() as directory:
        (directory / "files").mkdir()
        (directory / "files" / "small").write_text("hello\n")
        (directory / "files" / "large").write_bytes(LARGE)
        directory.chmod(0o755)  # nginx, started by root, reads as another user
        with (
            nginx(directory, f"unix:{directory}/nginx.sock", FILES.format(directory=directory)),
            running(CONFIG.format(directory=directory)) as rproxy,
        ):
            yield rproxy.address


def test_connections_to_nginx_are_reused(files: str) -> None:
    seen = {request(files, "/small").headers["X-Connection"] for _ in range(20)}
    assert len(seen) == 1


def test_large_file(files: str) -> None:
    answer = request(files, "/large")
    assert answer.headers["Content-Length"] == str(len(LARGE))
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(LARGE).digest()


def test_not_modified_keeps_the_connection(files: str) -> None:
    tag = request(files, "/small").headers["ETag"]
    answer = request(files, "/small", **{"If-None-Match": tag})
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
    assert request(files, "/small").headers["X-Connection"] == answer.headers["X-Connection"]


def test_ranges(files: str) -> None:
    answer = request(files, "/large", Range="bytes=1000000-1999999")
    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes 1000000-1999999/{len(LARGE)}"
    assert answer.body == LARGE[1_000_000:2_000_000]
    assert request(files, "/large", Range="bytes=99999999-").status == 416
    several = request(files, "/large", Range="bytes=0-9,100-109")
    assert several.headers["Content-Type"].startswith("multipart/byteranges")
    assert LARGE[100:110] in several.body


def test_head_redirect_and_missing(files: str) -> None:
    answer = request(files, "/large", "HEAD")
    assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, str(len(LARGE)), b"")
    assert request(files, "/old/x").status == 301
    assert request(files, "/nothing").status == 404


def test_curl_resumes_a_download(files: str, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(LARGE[:5_000_000])
    run(program("curl"), "-sS", "-C", "-", "-o", str(path), f"http://{files}/large")
    assert path.read_bytes() == LARGE


def test_nginx_in_front(rproxy: Rproxy, directory: Path) -> None:
    """What it claims in X-Forwarded-For is replaced by its own address: nobody is trusted to state it."""
    address = f"127.0.0.1:{free_port()}"
    http = f"""
        server {{
            listen {address};
            location / {{
                proxy_pass http://{rproxy.address};
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_set_header Host $host;
                proxy_set_header X-Forwarded-For 203.0.113.7;
            }}
        }}
    """
    with nginx(directory, address, http):
        report = json.loads(request(address, "/through", "POST", b"x" * 300_000, Host="shop.example").body)
        assert (report["path"], report["body_length"]) == ("/through", 300_000)
        fields = [(name.lower(), value) for name, value in report["headers"]]
        assert dict(fields)["host"] == "shop.example"
        assert [value for name, value in fields if name == "x-forwarded-for"] == ["127.0.0.1"]
        assert len(request(address, "/bytes?size=1000000&chunked=1").body) == 1_000_000
