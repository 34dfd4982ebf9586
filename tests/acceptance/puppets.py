"""Backends that do what the client asks for: the first line in TCP mode, the path in HTTP mode, names the script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from tests.acceptance.ways import hang_up
from tests.engine.support import OK, Wire

LARGE = bytes(384 * 1024)  # enough for the proxy to go over to pipes
FLOOD = 256  # times LARGE: more than all buffers on the way
Script = Callable[[Wire], Awaitable[bool | None]]  # True: the connection goes on
TCP: dict[str, Script] = {}
HTTP: dict[str, Script] = {}


def script(scripts: dict[str, Script]) -> Callable[[Script], Script]:
    def add(function: Script) -> Script:
        scripts[function.__name__.partition("_")[2].replace("_", "-")] = function
        return function

    return add


async def tcp_puppet(wire: Wire) -> None:
    name = (await wire.until(b"\n")).decode().strip()
    await TCP[name](wire)


async def http_puppet(wire: Wire) -> None:
    """Scripts of paths that begin with /unread/ find the body unread."""
    while True:
        head = await wire.head()
        path = head.split(b" ")[1].decode()
        if not path.startswith("/unread/"):
            await wire.body(head)
        if not await HTTP[path.rpartition("/")[2]](wire):
            return


async def slam(wire: Wire) -> None:
    """Closes at accept."""


async def snap(wire: Wire) -> None:
    """Resets at accept."""
    wire.reset()


# ---------------------------------------------------------------------- TCP


@script(TCP)
async def tcp_answer(wire: Wire) -> None:
    await wire.send(b"answer")
    await wire.rest()


@script(TCP)
async def tcp_echo(wire: Wire) -> None:
    await wire.send(await wire.rest())


@script(TCP)
async def tcp_hold(wire: Wire) -> None:
    await wire.rest()
    await hang_up(wire)


@script(TCP)
async def tcp_hold_until_end(wire: Wire) -> None:
    await wire.rest()


@script(TCP)
async def tcp_stuck(wire: Wire) -> None:
    """Reads nothing."""
    await wire.send(b"stuck")
    await hang_up(wire)


@script(TCP)
async def tcp_seen(wire: Wire) -> None:
    """Says when the client's end came, and leaves when the client has."""
    await wire.rest()
    await wire.send(b"seen")
    await hang_up(wire)


@script(TCP)
async def tcp_bye(wire: Wire) -> None:
    """Ends its side first."""
    await wire.send(b"bye")
    await wire.end()
    await wire.rest()


@script(TCP)
async def tcp_bye_and_reset(wire: Wire) -> None:
    await wire.send(b"bye")
    await wire.end()
    await wire.until(b"now\n")
    wire.reset()


@script(TCP)
async def tcp_close(wire: Wire) -> None:
    pass


@script(TCP)
async def tcp_half(wire: Wire) -> None:
    await wire.send(b"half ")


@script(TCP)
async def tcp_reset(wire: Wire) -> None:
    wire.reset()


@script(TCP)
async def tcp_half_and_reset(wire: Wire) -> None:
    await wire.send(b"half ")
    await wire.until(b"go\n")
    wire.reset()


@script(TCP)
async def tcp_large(wire: Wire) -> None:
    await wire.send(LARGE)
    await wire.rest()


@script(TCP)
async def tcp_flood(wire: Wire) -> None:
    for _ in range(FLOOD):
        await wire.send(LARGE)


# ---------------------------------------------------------------------- HTTP


@script(HTTP)
async def http_answer(wire: Wire) -> bool:
    await wire.send(OK)
    return True


@script(HTTP)
async def http_hold(wire: Wire) -> None:
    await wire.rest()


@script(HTTP)
async def http_stuck(wire: Wire) -> None:
    """Reads nothing for longer than anybody waits."""
    await trio.sleep(5.0)  # no hang-up tells of the end, which waits behind what was not read
    await wire.rest()


@script(HTTP)
async def http_close(wire: Wire) -> None:
    pass


@script(HTTP)
async def http_reset(wire: Wire) -> None:
    wire.reset()


@script(HTTP)
async def http_last(wire: Wire) -> None:
    await wire.send(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))


@script(HTTP)
async def http_silent_close(wire: Wire) -> None:
    """Answers well, then closes without having said so."""
    await wire.send(OK)


@script(HTTP)
async def http_garbage(wire: Wire) -> None:
    await wire.send(b"SSH-2.0-nothing to see here\r\n\r\n")


@script(HTTP)
async def http_half_head(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-")


@script(HTTP)
async def http_half_body(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")


@script(HTTP)
async def http_half_body_reset(wire: Wire) -> None:
    await http_half_body(wire)
    await trio.sleep(0.005)
    wire.reset()


@script(HTTP)
async def http_half_body_hold(wire: Wire) -> None:
    await http_half_body(wire)
    await wire.rest()


@script(HTTP)
async def http_half_chunk(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12")


@script(HTTP)
async def http_bad_chunk(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\nzz\r\n")
    await wire.rest()


@script(HTTP)
async def http_half_chunk_reset(wire: Wire) -> None:
    await http_half_chunk(wire)
    await trio.sleep(0.005)
    wire.reset()


@script(HTTP)
async def http_large(wire: Wire) -> bool:
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(LARGE))
    await wire.send(LARGE)
    return True


@script(HTTP)
async def http_large_chunked(wire: Wire) -> bool:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    await wire.send(b"%b%x\r\n%b\r\n0\r\n\r\n" % (head, len(LARGE), LARGE))
    return True


@script(HTTP)
async def http_large_until_close(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\n\r\n" + LARGE)


@script(HTTP)
async def http_flood(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (FLOOD * len(LARGE)))
    await tcp_flood(wire)


@script(HTTP)
async def http_early(wire: Wire) -> None:
    """Answers before the body came, and closes over it."""
    await wire.send(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")


async def switch(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")


@script(HTTP)
async def http_tunnel(wire: Wire) -> None:
    """Goes on as in TCP mode."""
    await switch(wire)
    await tcp_puppet(wire)
