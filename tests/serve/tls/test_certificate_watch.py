"""New certificates are taken in use while clients are served; bad ones are told of, and nothing changes."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import logging
import os
import ssl
from typing import TYPE_CHECKING

import trio

from proxy.serve.tls import certificate_watch
from tests.engine.support import DEADLINE, GET, backend, config, hello, proxy, until
from tests.engine.tls_wire import TlsWire, tls_client, tls_settings
from tests.tls import authority, client_context, write_certificate

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from proxy.serve.server import Server


async def shown(server: Server) -> bytes | None:
    """The certificate that a new client gets."""
    async with tls_client(server) as wire:
        return wire.tls.getpeercert(binary_form=True)


def replace(directory: Path, *names: str) -> bytes:
    """A new certificate and key in the place of the old, each by a rename. Returns the certificate."""
    leaf = authority("tests").issue_cert(*names)  # write_certificate remembers what it made
    for name, pem in (("server.pem", leaf.cert_chain_pems[0]), ("server.key", leaf.private_key_pem)):
        (directory / "new").write_bytes(pem.bytes())
        os.replace(directory / "new", directory / name)
    return ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())


async def shown_anew(server: Server, expected: bytes) -> None:
    with trio.fail_after(DEADLINE):
        while await shown(server) != expected:  # noqa: ASYNC110 - there is no event to wait for
            await trio.sleep(0.005)


async def test_new_files_are_noticed_and_open_connections_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(certificate_watch, "EVERY", 0.01)
    async with backend(hello) as app, proxy(config(app.address, frontend={"tls": tls_settings(tmp_path)})) as server:
        async with tls_client(server) as wire:
            await ask(wire)
            before = await shown(server)
            new = replace(tmp_path, "localhost", "other.example")
            await shown_anew(server, new)
            assert before != new
            await ask(wire)
    assert "web: new certificates: localhost, other.example until " in caplog.text
    assert caplog.text.count("new certificates") == 1


async def ask(wire: TlsWire) -> None:
    await wire.send(GET)
    assert (await wire.response())[1] == b"ok"


async def test_bad_files_change_nothing_and_are_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(certificate_watch, "EVERY", 0.01)
    async with proxy(config(frontend={"tls": tls_settings(tmp_path)})) as server:
        before = await shown(server)
        (tmp_path / "server.pem").write_text("half a certifi")
        await until(lambda: "stay as they were" in caplog.text)
        for _ in range(5):
            assert await shown(server) == before
        assert caplog.text.count("stay as they were") == 1
        assert "there is no certificate in it" in caplog.text
        await shown_anew(server, replace(tmp_path, "localhost"))


async def test_signal_reads_them_again_though_nothing_changed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with proxy(config(frontend={"tls": tls_settings(tmp_path)})) as server:
        server.certificates.look_now()
        await until(lambda: "new certificates: localhost" in caplog.text)
        os.unlink(tmp_path / "server.key")
        server.certificates.look_now()
        await until(lambda: "server.key cannot be read" in caplog.text)
        assert await shown(server)


async def test_new_authority_of_clients_counts_from_then_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    settings = tls_settings(tmp_path, client_certificates="required")
    context = client_context()
    context.load_cert_chain(*write_certificate(tmp_path, "client.example", stem="client"))
    async with backend(hello) as app, proxy(config(app.address, frontend={"tls": settings})) as server:
        async with tls_client(server, context) as wire:
            await ask(wire)
        authority("others").cert_pem.write_to_path(str(settings.client_ca))
        server.certificates.look_now()
        await until(lambda: "new certificates" in caplog.text)
        async with tls_client(server, context) as wire:
            await until(lambda: server.frontends["web"].failures["client-certificate-refused"] == 1)
