"""One lie of a backend through a running proxy, and what must hold of what the client then saw.

The bar is a strict reading of the lie (`strict_client`). If it is whole, the client gets just that, or an error page
where the proxy is stricter still. If it is not, nothing that the client gets may be whole but an error page. And
whatever it was, the answers to the next requests are their own.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import trio
import trio.testing

from proxy.serve.one_process import serve
from tests.engine.support import Scripted, backend, config, dial
from tests.hostile.strict_client import Response, read_response, read_with_h11

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxy.serve.server import Server
    from tests.engine.support import Wire
    from tests.hostile.lies import Lie

PATIENCE = 2.0
OF_ONE_HOP = {
    b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
    b"content-length", b"http2-settings", b"proxy-authenticate", b"proxy-authorization",
}  # fmt: skip
NEVER_IN_TRAILERS = OF_ONE_HOP | {b"set-cookie", b"content-type", b"host", b"authorization", b"cookie"}


@dataclass(frozen=True)
class Seen:
    """data: all that the client got. was_reset: its connection ended so. next_answers: to the requests behind."""

    data: bytes
    was_reset: bool
    is_stuck: bool
    next_answers: tuple[bytes, ...]


def will_close(lie: Lie) -> bool:
    """The backend ends what would otherwise be waited for."""
    return lie.closes or read_response(lie.data, to_head=lie.to_head, has_ended=False).end != "whole"


class LieRig:
    """A running proxy with a backend that answers with a lie when it has one, and else with a number."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.trials = 0
        self._lie: Lie | None = None
        self._number = 0

    async def script(self, wire: Wire) -> None:
        while True:
            await wire.request()
            lie, self._lie = self._lie, None
            if lie is None:
                self._number += 1
                await wire.send(canary(self._number))
                continue
            for start, end in pairwise([0, *lie.cuts, len(lie.data)]):
                await wire.send(lie.data[start:end])
                if end < len(lie.data):
                    await trio.testing.wait_all_tasks_blocked()
            if will_close(lie):
                if not lie.closes:
                    await trio.testing.wait_all_tasks_blocked()
                return

    async def tell(self, lie: Lie) -> Seen:
        self.trials += 1
        self._lie = lie
        wire = await dial(self.server.addresses["web"][0])
        is_stuck, answers = False, []
        try:
            with trio.move_on_after(PATIENCE) as patience:
                was_reset = await self._read(wire, request(lie), to_head=lie.to_head)
                data, wire.buffer = wire.buffer, b""
                if not was_reset and goes_on(read_response(data, to_head=lie.to_head, has_ended=False)):
                    answers.append(await self._ask(wire))
            is_stuck = patience.cancelled_caught
        finally:
            wire.close()
        self._lie = None  # it was not asked for: refused, which no request here is
        other = await dial(self.server.addresses["web"][0])
        try:
            answers.append(await self._ask(other))
        finally:
            other.close()
        return Seen(b"" if is_stuck else data, was_reset if not is_stuck else False, is_stuck, tuple(answers))

    async def _ask(self, wire: Wire) -> bytes:
        """The answer to a request behind the lie; it must be the next number."""
        with trio.fail_after(PATIENCE):
            await self._read(wire, b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n", to_head=False)
        expected = b"\r\nX-Number: %d\r\n" % self._number
        return b"" if expected in wire.buffer and wire.buffer.endswith(b"number %d" % self._number) else wire.buffer

    async def _read(self, wire: Wire, data: bytes, *, to_head: bool) -> bool:
        """Until the response is whole, or the connection over. Whether by a reset."""
        try:
            await wire.send(data)
            while await wire.more():
                if read_response(wire.buffer, to_head=to_head, has_ended=False).end == "whole":
                    await trio.testing.wait_all_tasks_blocked()
                    while len(wire.buffer) < 1 << 20 and await self._has_more(wire):
                        pass
                    return False
        except trio.BrokenResourceError:
            return True
        return False

    async def _has_more(self, wire: Wire) -> bool:
        """What stands behind a whole response already."""
        with trio.move_on_after(0):
            return await wire.more()
        return False


def canary(number: int) -> bytes:
    body = b"number %d" % number
    return b"HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: %d\r\n\r\n%b" % (number, len(body), body)


def request(lie: Lie) -> bytes:
    """A POST is never tried again, so that the lie is what answers it; a HEAD may be, when the lie is no answer."""
    te = b"Connection: TE\r\nTE: trailers\r\n" if lie.takes_trailers else b""
    start = b"HEAD / HTTP/1." if lie.to_head else b"POST / HTTP/1."
    length = b"" if lie.to_head else b"Content-Length: 0\r\n"
    return start + b"%d\r\nHost: a\r\n" % lie.is_1_1 + length + te + b"\r\n"


def goes_on(got: Response) -> bool:
    return got.end == "whole" and not got.at_close and b"close" not in got.all(b"connection")


@asynccontextmanager
async def lie_rig() -> AsyncIterator[LieRig]:
    rig: list[LieRig] = []

    async def script(wire: Wire) -> None:
        await rig[0].script(wire)

    app: Scripted
    async with backend(script) as app, trio.open_nursery() as nursery:
        server: Server = await nursery.start(serve, config(app.address))
        rig.append(LieRig(server))
        yield rig[0]
        with trio.fail_after(5):
            while server.active:
                await trio.testing.wait_all_tasks_blocked(0.001)
        nursery.cancel_scope.cancel()


# ---------------------------------------------------------------------- what must hold


def faults(lie: Lie, seen: Seen) -> tuple[str, list[str]]:
    """What the client got, in one word for the tally, and what is wrong with it."""
    has_ended = not seen.was_reset
    got = read_response(seen.data, to_head=lie.to_head, has_ended=has_ended)
    found = ["neither answer nor end"] * seen.is_stuck
    found += [f"the next answer is {answer[:200]!r}" for answer in seen.next_answers if answer]
    if got.left:
        found.append(f"behind the response: {got.left[:80]!r}")
    if got.end == "broken":
        return "broken", [*found, f"the client gets what is no response: {got.why}: {seen.data[:200]!r}"]
    found += disagreement(got, read_with_h11(seen.data, to_head=lie.to_head, has_ended=has_ended))
    if got.all(b"x-rproxy-error"):
        good = got.end == "whole" and got.status in (502, 504)
        return "refused", found if good else [*found, f"the error page is {got}"]
    if lie.to_head and got.all(b"x-number"):
        return "another try", found
    meant = read_response(lie.data, to_head=lie.to_head, has_ended=will_close(lie))
    if got.end == "whole":
        if meant.end != "whole":
            found.append(f"whole, of what is {meant.end}: {meant.why}")
        return "whole", found + (differences(lie, got, meant) if meant.end == "whole" else [])
    if meant.end == "whole" and not meant.all(b"transfer-encoding"):  # of chunks the proxy may refuse the end
        found.append("a whole response is cut off")
    return "cut", found


def disagreement(got: Response, by_h11: Response) -> list[str]:
    if got.end != "whole" or by_h11.end != "whole":
        return [f"h11 sees it {by_h11.end}: {by_h11.why}"] if (got.end == "whole") != (by_h11.end == "whole") else []
    same = (got.status, got.body) == (by_h11.status, by_h11.body)
    return [] if same else [f"h11 reads {by_h11.status} {by_h11.body[:80]!r}"]


def differences(lie: Lie, got: Response, meant: Response) -> list[str]:
    """Between what the client got and what the backend meant, but for what a proxy has to change."""
    found = [
        f"{what}: {a!r} instead of {b!r}"
        for what, a, b in (
            ("status", got.status, meant.status),
            ("body", got.body, meant.body),
            ("fields", end_to_end(got), end_to_end(meant)),
            ("interim", got.interim, meant.interim if lie.is_1_1 else ()),
        )
        if a != b
    ]
    if [int(n) for n in got.all(b"content-length")] not in ([], [int(n) for n in meant.all(b"content-length")]):
        found.append(f"Content-Length {got.all(b'content-length')}")
    if got.trailers and not (lie.takes_trailers and lie.is_1_1):
        found.append(f"trailers that nobody asked for: {got.trailers}")
    wrong = [name for name, value in got.trailers if (name, value) not in meant.trailers or is_forbidden(name)]
    return found + [f"trailer {name!r}" for name in wrong]


def is_forbidden(name: bytes) -> bool:
    return name.lower() in NEVER_IN_TRAILERS


def end_to_end(response: Response) -> list[tuple[bytes, bytes]]:
    named = {token.strip(b" \t") for value in response.all(b"connection") for token in value.lower().split(b",")}
    return [field for field in response.fields if field[0].lower() not in OF_ONE_HOP | named]
