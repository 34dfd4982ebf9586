"""curl, in the ways that people use it."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.support import Rproxy, program, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

BODY = b"0123456789abcdef" * 64 * 1024  # 1 MiB


@pytest.fixture(scope="module", autouse=True)
def curl() -> str:
    return program("curl")


@pytest.fixture
def url(rproxy: Rproxy) -> str:
    return f"http://{rproxy.address}"


def output_of(*args: str, data: bytes | None = None) -> str:
    return run("curl", "--silent", "--show-error", *args, data=data).stdout.decode()


def json_of(*args: str, data: bytes | None = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output_of(*args, data=data))
    return found


def test_requests_share_a_connection(url: str) -> None:
    connects = output_of("--write-out", "%{num_connects} ", "--output", "/dev/null", url, "-o", "/dev/null", url)
    assert connects.split() == ["1", "0"]


def test_the_backend_is_told_of_the_client(url: str) -> None:
    headers = dict(json_of("-H", "X-Mine: yes", f"{url}/a?b=c")["headers"])
    fields = {name.lower(): value for name, value in headers.items()}
    assert (fields["x-mine"], fields["x-forwarded-for"], fields["x-forwarded-proto"]) == ("yes", "127.0.0.1", "http")


def test_upload_that_waits_for_100_continue(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)
    result = run("curl", "-sSv", "-H", "Expect: 100-continue", "-T", str(tmp_path / "file"), f"{url}/sink")
    assert b"< HTTP/1.1 100 Continue" in result.stderr
    assert json.loads(result.stdout) == {
        "body_length": len(BODY),
        "body_sha256": hashlib.sha256(BODY).hexdigest(),
    }


def test_chunked_upload_from_standard_input(url: str) -> None:
    report = json_of("-H", "Transfer-Encoding: chunked", "-T", "-", f"{url}/sink", data=BODY)
    assert report["body_sha256"] == hashlib.sha256(BODY).hexdigest()


def test_upload_comes_back_whole_while_it_goes_up(url: str) -> None:
    assert run("curl", "-sS", "-T", "-", f"{url}/echo", data=BODY).stdout == BODY


def test_http_1_0(url: str) -> None:
    assert json_of("--http1.0", url)["method"] == "GET"
    head = output_of("--http1.0", "--dump-header", "-", "--output", "/dev/null", f"{url}/?size=200000&chunked=1")
    assert "transfer-encoding" not in head.lower()  # which HTTP/1.0 does not have: the body ends with the connection
    size = output_of("--http1.0", "-w", "%{size_download}", "-o", "/dev/null", f"{url}/?size=200000&chunked=1")
    assert size == "200000"


def test_head_has_the_length_and_no_body(url: str) -> None:
    answer = output_of("--head", f"{url}/?size=12345", f"{url}/?size=54321")
    assert "content-length: 12345" in answer.lower()
    assert "content-length: 54321" in answer.lower()  # on the same connection


@pytest.mark.parametrize("status", [204, 304, 404, 500])
def test_statuses_pass_through(url: str, status: int) -> None:
    assert output_of("-w", "%{http_code}", "-o", "/dev/null", f"{url}/?status={status}") == str(status)


def test_download_with_length_and_chunked(url: str) -> None:
    for query in ("size=3000000&seed=5", "size=3000000&seed=5&chunked=1"):
        found = run("curl", "-sS", f"{url}/bytes?{query}").stdout
        assert len(found) == 3_000_000, query


def test_unix_sockets_as_file_and_as_abstract_name(rproxy: Rproxy) -> None:
    _, path, abstract = (address.removeprefix("unix:") for address in rproxy.addresses["web"])
    assert json_of("--unix-socket", path, "http://test/file")["path"] == "/file"
    assert json_of("--abstract-unix-socket", abstract[1:], "http://test/abstract")["path"] == "/abstract"


def test_two_hundred_transfers_fifty_at_a_time(url: str) -> None:
    codes = output_of(
        "--parallel", "--parallel-max", "50", "-w", "%{http_code}\n", "-o", "/dev/null", f"{url}/?size=5000&n=[1-200]"
    )
    assert codes.split() == ["200"] * 200


def test_an_upgrade_to_http2_is_not_passed_on(url: str) -> None:
    answer = json_of("--http2", url)
    assert answer["version"] == "1.1"
    assert not [name for name, _ in answer["headers"] if name.lower() in ("upgrade", "http2-settings")]


def test_an_error_says_at_which_step_and_why(url: str) -> None:
    answer = output_of("-i", "-X", "GET", "-H", "Host:", url)
    assert answer.startswith("HTTP/1.1 400 ")
    assert "X-Rproxy-Error: parse/no-host" in answer


def test_form_with_a_file(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(os.urandom(100_000))
    assert json_of("-F", f"file=@{tmp_path}/file", f"{url}/sink")["body_length"] > 100_000
