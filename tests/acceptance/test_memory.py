"""What a hostile client can make rproxy hold: whatever it sends, and whatever it does not read, it is this much and no
more. The resident memory of a real process, after each client has sent all that it could get rid of. Unix sockets on
both sides: of them the kernel takes in 200 KB, where it takes 4 MiB and more of TCP on this machine.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from tests.clients.support import Rproxy, short_directory, started
from tests.engine.support import GET, OK, Wire, always, backend
from tests.processes import connect, request

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from tests.conftest import Figures

pytestmark = pytest.mark.slow

CLIENTS = 100
MOST = 256  # KiB for each; the README says so
QUIET = 5  # rounds without a byte: nobody takes any more
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CONFIG = """
    [frontends.web]
    listen = "unix:{directory}/web.sock"
    pool = "app"

    [pools.app]
    backends = ["unix:{directory}/app.sock"]
"""


async def deaf(wire: Wire) -> None:
    """Answers what has no body, and reads no other."""
    while (await wire.head()).startswith(b"GET"):
        await wire.send(OK)
    await trio.sleep_forever()


def answer(size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, bytes(size))


ATTACKS: dict[str, tuple[bytes, bytes, Callable[[Wire], Awaitable[None]]]] = {
    # what is sent first, what is sent from then on, and to whom
    "heads without an end": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 16_000, b"", deaf),
    "requests, small answers not read": (b"", GET * 1000, always(answer(30_000))),
    "requests, large answers not read": (b"", GET * 1000, always(answer(4 << 20))),
    "a body that the backend does not read": (POST + b"Content-Length: 9999999999\r\n\r\n", b"x" * 65536, deaf),
    "chunks of a byte that it does not read": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000, deaf,
    ),
}  # fmt: skip


def resident(rproxy: Rproxy) -> int:
    """KiB."""
    status = Path(f"/proc/{rproxy.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def send_some(sock: socket.socket, data: bytes) -> int:
    try:
        return sock.send(data)
    except BlockingIOError:
        return 0


async def send_until_nobody_takes_more(socks: list[socket.socket], data: bytes) -> int:
    """How much went off. Pieces are cut anywhere, and go on where they were cut."""
    sent = dict.fromkeys(socks, 0)
    quiet = 0
    while quiet < QUIET:
        before = sum(sent.values())
        for sock in socks:
            if data:
                sent[sock] += send_some(sock, data[sent[sock] % len(data) :])
        await trio.sleep(0.02)
        quiet = quiet + 1 if sum(sent.values()) == before else 0
    return sum(sent.values())


@pytest.mark.parametrize("name", ATTACKS)
async def test_no_session_holds_more_than_the_readme_says(name: str, figures: Figures) -> None:
    first, then, script = ATTACKS[name]
    with short_directory() as directory:
        async with backend(script, f"{directory}/app.sock"):
            with started(CONFIG.format(directory=directory)) as rproxy, ExitStack() as stack:
                await trio.to_thread.run_sync(request, rproxy.address)  # whatever is loaded late is loaded now
                before = resident(rproxy)
                socks = [stack.enter_context(connect(rproxy.address)) for _ in range(CLIENTS)]
                for sock in socks:
                    sock.setblocking(False)
                    assert send_some(sock, first) == len(first)
                sent = await send_until_nobody_takes_more(socks, then)
                held = (resident(rproxy) - before) / CLIENTS
                figures(f"memory, {name}: {sent / CLIENTS / 1024:,.0f} KiB sent by each, {held:.0f} KiB held for each")
                assert held < MOST
                assert rproxy.process.poll() is None
