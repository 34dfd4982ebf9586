"""What one probe finds, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress, UnixAddress, parse_address
from proxy.core.config import HealthCheck, PoolTls
from proxy.engine.backend import LiveBackend
from proxy.engine.tls.backend_tls import BackendTls, make_context
from proxy.serve.backends.probe import LARGEST_BODY, probe
from tests.engine.support import hello
from tests.processes import free_port
from tests.serve.backends.listening import answering, listening, saying, silent
from tests.tls import server_context, tls_backend, write_authority

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.address import Address

ASK = HealthCheck(path="/healthz")


async def test_a_connect_is_enough_without_a_path() -> None:
    async with listening(silent) as address:
        assert await probe(LiveBackend(address), HealthCheck()) == ""


@pytest.mark.parametrize(
    ("status", "fault"),
    [(b"200 OK", ""), (b"302 Found", ""), (b"404 Not Found", "status 404"), (b"500 X", "status 500")],
)
async def test_with_a_path_the_status_decides(status: bytes, fault: str) -> None:
    async with listening(answering(status)) as address:
        assert await probe(LiveBackend(address), ASK) == fault


async def test_another_status_may_be_expected() -> None:
    async with listening(answering(b"404 Not Found")) as address:
        check = HealthCheck(path="/", expect_status=("200", "401-404"))
        assert await probe(LiveBackend(address), check) == ""


async def test_what_is_asked() -> None:
    heard: list[bytes] = []
    async with listening(answering(b"200 OK", heard=heard)) as address:
        assert await probe(LiveBackend(address), HealthCheck(path="/up?x=1", method="HEAD", host="app.test")) == ""
    assert heard == [
        b"HEAD /up?x=1 HTTP/1.1\r\nHost: app.test\r\nUser-Agent: rproxy-health-check\r\nAccept: */*\r\n\r\n"
    ]


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD + b"Content-Length: 9\r\n\r\nI am read", b""],
        [CHUNKED + b"5\r\nI am \r\n", b"4\r\nread\r\n0\r\n\r\n"],
        [HEAD + b"\r\nI am", b" read"],
        [EARLY, EARLY + HEAD + b"Content-Length: 9\r\n\r\nI ", b"am read"],
    ],
    ids=["length", "chunks", "until close", "behind 1xx"],
)
async def test_text_in_the_body_however_it_comes(pieces: list[bytes]) -> None:
    async with listening(saying(*pieces)) as address:
        assert await probe(LiveBackend(address), HealthCheck(path="/", expect_body="am read")) == ""
        fault = await probe(LiveBackend(address), HealthCheck(path="/", expect_body="ready"))
        assert fault == '"ready" is not in the body'


async def test_no_more_of_a_body_is_read_than_counts() -> None:
    async with listening(saying(HEAD + b"\r\n" + bytes(LARGEST_BODY + 64), b"ready")) as address:
        fault = await probe(LiveBackend(address), HealthCheck(path="/", expect_body="ready"))
        assert fault == '"ready" is not in the body'


async def test_no_answer_in_time() -> None:
    async with listening(silent) as address:
        with trio.fail_after(2):
            fault = await probe(LiveBackend(address), HealthCheck(path="/", timeout=0.05))
            assert fault == "no answer within 0.05 s"


@pytest.mark.parametrize(
    ("pieces", "fault"),
    [
        ([], "closed-before-answer"),
        ([b"HTTP/1.1 200"], "closed-before-answer"),
        ([EARLY], "closed-before-answer"),
        ([b"220 mail.test ESMTP\r\n"], "response-syntax: "),
    ],
)
async def test_what_is_no_answer(pieces: list[bytes], fault: str) -> None:
    async with listening(saying(*pieces)) as address:
        assert (await probe(LiveBackend(address), ASK)).startswith(fault)


async def test_nobody_there(tmp_path: Path) -> None:
    assert await probe(LiveBackend(TcpAddress("127.0.0.1", free_port())), HealthCheck()) == "connect-refused"
    assert await probe(LiveBackend(UnixAddress(f"{tmp_path}/none.sock")), HealthCheck()) == "no-such-socket"
    assert await probe(LiveBackend(parse_address("not-resolved.invalid:80")), HealthCheck()) == "unresolved"


def tls_for(address: Address, tmp_path: Path) -> BackendTls:
    settings = PoolTls(ca=write_authority(tmp_path))
    return BackendTls(make_context(settings), settings, address)


@pytest.mark.parametrize("path", [None, "/healthz"])
async def test_where_the_pool_speaks_tls_the_probe_does_too(path: str | None, tmp_path: Path) -> None:
    async with tls_backend(hello, server_context("127.0.0.1")) as app:
        backend = LiveBackend(app.address, tls=tls_for(app.address, tmp_path))
        assert await probe(backend, HealthCheck(path=path)) == ""
    async with listening(silent) as address:
        backend = LiveBackend(address, tls=tls_for(address, tmp_path))
        assert await probe(backend, HealthCheck(path=path, timeout=0.05)) == "no answer within 0.05 s"


async def test_a_probe_may_speak_tls_where_the_pool_passes_it_through(tmp_path: Path) -> None:
    async with tls_backend(hello, server_context("127.0.0.1")) as app:
        assert await probe(LiveBackend(app.address), ASK, tls_for(app.address, tmp_path)) == ""


async def test_a_wrong_certificate_is_named(tmp_path: Path) -> None:
    async with tls_backend(hello, server_context("other.test")) as app:
        fault = await probe(LiveBackend(app.address, tls=tls_for(app.address, tmp_path)), HealthCheck())
        assert fault.startswith("tls-certificate: IP address mismatch")


async def test_a_server_without_tls_is_told_from_one_that_is_down(tmp_path: Path) -> None:
    async with listening(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as address:
        fault = await probe(LiveBackend(address, tls=tls_for(address, tmp_path)), HealthCheck())
        assert fault.startswith("tls-handshake")
