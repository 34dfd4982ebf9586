"""A real application over a connection that is kept, and one that is dead."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.lab.models.pull.application import Application, ApplicationGone
from tests.clients.support import short_directory
from tests.processes import start_backend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.processes import Backend


@contextmanager
def started(name: str, *args: str) -> Iterator[Backend]:
    with short_directory() as directory, start_backend(name, *args, listen=f"unix:{directory}/app") as backend:
        yield backend


def get(path: str = "/", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode()


async def test_a_connection_is_kept() -> None:
    with started("hello") as backend:
        application = Application(backend.address)
        for count in (1, 2):
            head, _, body = (await application.ask(get())).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert json.loads(body)["count"] == count
        assert (await application.ask(get(method="HEAD"))).endswith(b"\r\n\r\n")
        assert (await application.ask(get("/?size=3&chunked=1"))).endswith(b"Content-Length: 3\r\n\r\nxxx")
        application.close()


async def test_one_that_was_closed_meanwhile_is_opened_again() -> None:
    with started("hello", "--keep-alive", "0.02") as backend:
        application = Application(backend.address)
        await application.ask(get())
        with trio.fail_after(10):
            stream = await application.connect()
            await trio.lowlevel.wait_readable(stream.fileno())  # its end
        assert (await application.ask(get())).startswith(b"HTTP/1.1 200")
        application.close()


@pytest.mark.parametrize("fault", ["close-after-request", "half-body", "garbage"])
async def test_no_answer_is_answered_for_it(fault: str) -> None:
    with started("misbehave", "--fault", fault) as backend:
        application = Application(backend.address)
        assert (await application.ask(get())).startswith(b"HTTP/1.1 502 ")
        application.close()


async def test_one_that_is_dead_is_told_from_one_that_closes() -> None:
    with started("hello") as backend:
        application = Application(backend.address)
        await application.ask(get())
        backend.process.kill()
        with pytest.raises(ApplicationGone):
            await application.ask(get())
