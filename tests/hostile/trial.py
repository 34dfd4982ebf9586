"""One client's bytes sent through a running proxy, and what must hold of what the backend and the client then saw.

The bar is a strict reading of the client's bytes (`strict_reader`): its requests, in order, are all that the backend
may get, each whole and once. The proxy may be stricter, and refuse; then the backend gets the requests before that one.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import trio
import trio.testing

from proxy.serve.one_process import serve
from tests.engine.support import config, dial
from tests.hostile.recording_backend import recording_backend
from tests.hostile.strict_reader import Request, read_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from proxy.serve.server import Server
    from tests.engine.support import Wire
    from tests.hostile.recording_backend import RecordingBackend, Seen
    from tests.hostile.strict_reader import Reading

PATIENCE = 2.0  # seconds for what takes a millisecond; then the proxy waits for what will not come
HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"content-length", b"host", b"expect", b"http2-settings",
}  # fmt: skip
OWN = {b"x-forwarded-for": b"127.0.0.1", b"x-forwarded-proto": b"http"}  # what the proxy itself states
FORWARDING = {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"}
ONCE = (b"authorization", b"content-type", b"range")
NEVER_IN_TRAILERS = HOP_BY_HOP | FORWARDING | {b"authorization", b"cookie", b"set-cookie", b"content-type"}
_NUMBER = re.compile(rb"\r\nX-Number: ([0-9]+)\r\n")
_LENGTH = re.compile(rb"\r\nContent-Length: ([0-9]+)\r\n")


@dataclass(frozen=True)
class Answer:
    """A response as the client read it: number, of the request that the backend answered; None for an error page."""

    status: int
    number: int | None
    closes: bool
    is_whole: bool = True


@dataclass(frozen=True)
class Result:
    """expected: the strict reading of what was sent, canary included. seen: by the backend. answers: by the client, but
    for 1xx. is_stuck: the proxy neither answered nor closed. crashes: handlers of the proxy that raised."""

    expected: Reading
    seen: list[Seen]
    answers: list[Answer]
    is_stuck: bool
    crashes: int

    @property
    def refusal(self) -> int | None:
        """The status of the error page."""
        return self.answers[-1].status if self.answers and self.answers[-1].number is None else None

    @property
    def targets(self) -> list[bytes]:
        return [seen.request.target for seen in self.seen]


class Rig:
    """A running proxy with a recording backend behind it. One trial at a time."""

    def __init__(self, server: Server, backend: RecordingBackend) -> None:
        self.server = server
        self.backend = backend
        self.trials = 0
        self.refused = 0
        self._canaries = count()

    def canary(self) -> bytes:
        return b"GET /canary-%d HTTP/1.1\r\nHost: canary\r\n\r\n" % next(self._canaries)

    async def send(self, pieces: Iterable[bytes], sent: bytes, *, wait: bool = False) -> Result:
        """pieces: the segments, which make up `sent`. wait: until everybody has nothing left to do, after each."""
        self.trials += 1
        expected = read_all(sent)
        seen_before = len(self.backend.seen)
        crashes_before = self.server.reactor.crashes
        answers: list[Answer] = []
        wire = await dial(self.server.addresses["web"][0])
        try:
            with trio.move_on_after(PATIENCE) as patience:
                await _talk(wire, pieces, expected, answers, wait=wait)
        finally:
            wire.close()
        await trio.testing.wait_all_tasks_blocked()
        crashes = self.server.reactor.crashes - crashes_before
        result = Result(expected, self.backend.seen[seen_before:], answers, patience.cancelled_caught, crashes)
        self.refused += result.refusal is not None
        return result

    def counts(self) -> str:
        return (
            f"{self.trials} connections, {self.refused} refused, {len(self.backend.seen)} requests at the backend"
            f" over {len(self.backend.streams)} connections"
        )


@asynccontextmanager
async def rig(frontend: dict[str, Any] | None = None) -> AsyncIterator[Rig]:
    """frontend: settings of it. Ends by asking both judges about all that the backend received."""
    async with recording_backend() as backend, trio.open_nursery() as nursery:
        server: Server = await nursery.start(serve, config(backend.address, frontend=frontend))
        running = Rig(server, backend)
        yield running
        with trio.fail_after(5):
            while server.active:
                await trio.testing.wait_all_tasks_blocked(0.001)
        nursery.cancel_scope.cancel()
    assert backend.verdict() == []


async def _talk(wire: Wire, pieces: Iterable[bytes], expected: Reading, answers: list[Answer], *, wait: bool) -> None:
    """Sends and reads at once; ends its side when nothing more can come, so that what comes all the same is seen."""

    async def write() -> None:
        try:
            for piece in pieces:
                await wire.send(piece)
                if wait:
                    await trio.testing.wait_all_tasks_blocked()
        except trio.BrokenResourceError:
            pass  # refused before the end

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        has_ended = await _read_expected(wire, expected, answers)
    if has_ended:
        return
    await trio.testing.wait_all_tasks_blocked()
    try:
        await wire.end()
    except trio.BrokenResourceError:
        pass
    while (answer := await _read_answer(wire)) is not None:
        answers.append(answer)


async def _read_expected(wire: Wire, expected: Reading, answers: list[Answer]) -> bool:
    """Whether the proxy ended the connection. It is waited for where it has to: behind what is broken, or the last."""
    must_end = expected.end in ("broken", "last")
    for request in expected.requests:
        answer = await _read_answer(wire, to_head=request.method == b"HEAD")
        if answer is None:
            return True
        answers.append(answer)
    while must_end:
        answer = await _read_answer(wire)
        if answer is None:
            return True
        answers.append(answer)
    return False


async def _read_answer(wire: Wire, *, to_head: bool = False) -> Answer | None:
    """The next final response; None at the end of the stream, however it ends."""
    try:
        while (head := await wire.head())[9:10] == b"1":
            pass
    except (EOFError, trio.BrokenResourceError):
        return None
    length, number = _LENGTH.search(head), _NUMBER.search(head)
    is_whole, body = True, b""
    try:
        body = b"" if to_head or length is None else await wire.exactly(int(length[1]))
    except (EOFError, trio.BrokenResourceError):
        is_whole = False
    if number and is_whole and body not in (b"", b"number " + number[1]):
        raise AssertionError(f"the answer's body belongs to another: {head!r} {body!r}")
    closes = b"\r\nConnection: close\r\n" in head
    return Answer(int(head[9:12]), int(number[1]) if number else None, closes, is_whole)


# ---------------------------------------------------------------------- what must hold


def faults(result: Result) -> list[str]:
    """Empty when the backend got what a strict reading allows, and the client the answers to it."""
    expected = result.expected
    found = ["a handler of the proxy raised"] * result.crashes + ["neither answer nor close"] * result.is_stuck
    if len(result.seen) > len(expected.requests):
        found.append(f"the backend saw {result.targets}, more than {[r.target for r in expected.requests]}")
    for seen, meant in zip(result.seen, expected.requests, strict=False):
        found += differences(seen.request, meant)
    good = [answer.number for answer in result.answers if answer.number is not None]
    if good != [seen.number for seen in result.seen]:
        found.append(f"answers {good} for requests {[seen.number for seen in result.seen]}")
    if any(answer.number is None for answer in result.answers[:-1]):
        found.append(f"an error page and then more: {result.answers}")
    if any(answer.number is not None and not answer.is_whole for answer in result.answers):
        found.append("an answer was cut off")
    return found or _faults_of_end(result)


def summary(result: Result) -> object:
    """What may not depend on segments; canaries differ by their number only. (Of two statuses that both fit, which one
    is sent may.)"""
    targets = [b"canary" if seen.request.target.startswith(b"/canary") else seen.request.target for seen in result.seen]
    bodies = [seen.request.body for seen in result.seen if b"canary" not in seen.request.body]
    return targets, bodies, result.refusal is None


def _faults_of_end(result: Result) -> list[str]:
    expected, refusal = result.expected, result.refusal
    everything = len(result.seen) == len(expected.requests)
    if refusal is not None:
        if not 400 <= refusal <= 599 or refusal == 502 or not result.answers[-1].closes:
            return [f"refused with {refusal}, {result.answers[-1]}"]
        return ["refused after everything was seen"] if everything and expected.end in ("complete", "last") else []
    if expected.end == "broken":
        return [f"not refused: {expected.why}; the backend saw {result.targets}"]
    if not everything:
        return [f"the backend saw only {result.targets}, and there is no error page"]
    return []


def differences(seen: Request, meant: Request) -> list[str]:
    """Between what the backend got and what the client meant, but for what a proxy has to change."""
    found = []
    for what, got, wanted in (
        ("method", seen.method, meant.method),
        ("version", seen.version, b"HTTP/1.1"),
        ("target", seen.target, meant.origin_form),
        ("body", seen.body, meant.body),
        ("Host", seen.all(b"host"), [meant.authority or b"localhost"]),
        ("fields", end_to_end(seen, seen.options), end_to_end(meant, meant.options)),
    ):
        if got != wanted:
            found.append(f"{what}: {got!r} instead of {wanted!r}")
    return found + _faults_of_own_fields(seen, meant)


def end_to_end(request: Request, named: set[bytes]) -> list[tuple[bytes, bytes]]:
    """The fields that must come through, in order: not those of one hop, nor what a proxy states itself."""
    skipped = HOP_BY_HOP | FORWARDING | named | {b"via"}
    return [field for field in request.fields if field[0].lower() not in skipped and not is_look_alike(field[0])]


def is_look_alike(name: bytes) -> bool:
    """What CGI takes for another name; what somebody believes about the client; what PHP takes for our names."""
    name = name.lower()
    plain = re.sub(rb"[^a-z0-9]", b"-", name)
    if name in OWN or name == b"x-forwarded-host":
        return False
    return b"_" in name or plain.startswith(b"x-forwarded-") or (plain != name and plain in HOP_BY_HOP | FORWARDING)


def _faults_of_own_fields(seen: Request, meant: Request) -> list[str]:
    own = {**OWN, b"x-forwarded-host": meant.authority or b"localhost"}
    found = [f"{name!r}: {seen.all(name)}" for name, value in own.items() if seen.all(name) != [value]]
    found += [f"{name!r} comes through" for name, _ in seen.fields if is_look_alike(name)]
    found += [f"{name!r} comes twice" for name in ONCE if len(seen.all(name)) > 1]
    if seen.all(b"forwarded") or seen.options - {b"upgrade", b"te"} or seen.all(b"upgrade") not in ([], [b"websocket"]):
        found.append(f"hop-by-hop or spoofed fields come through: {seen.fields}")
    if seen.all(b"te") not in ([], [b"trailers"]) or (seen.all(b"te") and b"te" not in seen.options):
        found.append(f"TE comes through: {seen.fields}")
    of_one_hop = (b"keep-alive", b"proxy-connection", b"proxy-authorization", b"trailer", b"http2-settings")
    found += [f"{name!r} comes through" for name in of_one_hop if seen.all(name)]
    if seen.body and not seen.all(b"content-length") and not seen.all(b"transfer-encoding"):
        found.append("a body without framing")
    for name, value in seen.trailers:
        if name.lower() in NEVER_IN_TRAILERS or is_look_alike(name) or (name, value) not in meant.trailers:
            found.append(f"trailer {name!r}: {value!r}")
    return found
