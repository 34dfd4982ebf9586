"""Processes of a deployment: started, heard, waited for until they listen, and ended with all they have started."""

from __future__ import annotations

import shlex
import time
from collections import deque
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import trio

from proxy.core.address import TcpAddress, parse_address
from proxy.lab.deployment import DeployError
from proxy.serve.backends.child import Child
from proxy.serve.machine.sock_diag import listening_sockets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from proxy.core.address import Address

GRACE = 2.0  # seconds between SIGTERM and SIGKILL
LOOK = 0.005  # seconds between two looks whether something listens
LAST_WORDS = 20  # lines


class Running:
    """A child whose output is kept: pid, its last words, whether it has ended."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], pass_fds: Sequence[int]) -> None:
        self.command = list(command)
        self.child = Child(command, env, pass_fds=pass_fds)
        self.pid = self.child.pid
        self.status: int | None = None
        self._lines: deque[str] = deque(maxlen=LAST_WORDS)

    @property
    def last_words(self) -> str:
        return "\n".join(self._lines)

    def signal(self, number: int) -> None:
        """To the process alone; nothing if it has ended."""
        self.child.signal(number)

    async def listen(self) -> None:
        """Until its output ends."""
        held = b""
        async for data in self.child.output:
            *lines, held = (held + data).split(b"\n")
            self._lines += [line.decode(errors="replace") for line in lines]
        if held:
            self._lines.append(held.decode(errors="replace"))


class Children:
    """What one deployment has started. nursery: for tasks that look after them; it is cancelled when all have ended."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.running: list[Running] = []

    def start(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        ended: Callable[[Running], None] | None = None,
    ) -> Running:
        """pass_fds: descriptors that it inherits under the same numbers. ended: called when it has ended of itself.
        Raises DeployError."""
        try:
            running = Running(command, env or {}, pass_fds)
        except OSError as error:
            raise DeployError(f"{command[0]}: {error.strerror}") from error
        self.running.append(running)
        self.nursery.start_soon(running.listen)
        self.nursery.start_soon(self._attend, running, ended)
        return running

    async def _attend(self, running: Running, ended: Callable[[Running], None] | None) -> None:
        running.status = await running.child.wait()
        if ended is not None:
            ended(running)

    async def end(self, running: Running, grace: float = GRACE) -> None:
        """SIGTERM to it and all it has started; SIGKILL after `grace`."""
        await running.child.end(grace)
        if running in self.running:
            self.running.remove(running)

    async def end_all(self) -> None:
        async with trio.open_nursery() as nursery:
            for running in list(self.running):
                nursery.start_soon(self.end, running)


@asynccontextmanager
async def children() -> AsyncIterator[Children]:
    """Leaving the block ends all of them. What is raised in it comes out as it is, in no group."""
    raised: Exception | None = None
    async with trio.open_nursery() as nursery:
        started = Children(nursery)
        try:
            yield started
        except Exception as error:  # noqa: BLE001 - raised again below
            raised = error
        finally:
            with trio.CancelScope(shield=True):
                await started.end_all()
            nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised


@contextmanager
def no_sockets_left(directory: Path) -> Iterator[None]:
    """At the end the socket files are removed from it that killed processes have left."""
    try:
        yield
    finally:
        for path in directory.iterdir():
            if path.is_socket():
                path.unlink(missing_ok=True)


async def until_it_listens(address: str, running: Running, deadline: float) -> None:
    """Until somebody listens on `address`. Raises DeployError when the process ends before, or
    after `deadline` seconds."""
    await until_they_listen(address, [running], deadline, sockets=1)


async def until_they_listen(address: str, running: Sequence[Running], deadline: float, *, sockets: int) -> None:
    """Until so many sockets listen on `address`: a REUSEPORT group has several. Raises DeployError when one of the
    processes ends before, or after `deadline` seconds."""
    end = time.monotonic() + deadline
    while _listening(parse_address(address)) < sockets:
        _check(running)
        if time.monotonic() > end:
            first = running[0]
            raise DeployError(
                f"{shlex.join(first.command)} does not listen on {address} after {deadline:g} s: {first.last_words}"
            )
        await trio.sleep(LOOK)


async def until_it_says(word: str, running: Running, deadline: float) -> None:
    """Until a line of its output is `word`. Raises DeployError as `until_they_listen` does."""
    end = time.monotonic() + deadline
    while word not in running.last_words.splitlines():
        _check([running])
        if time.monotonic() > end:
            raise DeployError(
                f"{shlex.join(running.command)} does not say {word!r} after {deadline:g} s: {running.last_words}"
            )
        await trio.sleep(LOOK)


def _check(running: Sequence[Running]) -> None:
    for each in running:
        if each.status is not None:
            raise DeployError(f"{shlex.join(each.command)} ended with status {each.status}: {each.last_words}")


def _listening(address: Address) -> int:
    """Asked of the kernel: a connection to try would be somebody's job."""
    return sum(sock.address == address for sock in listening_sockets())


async def until_it_answers(target: str, running: Sequence[Running], deadline: float) -> None:
    """Until a GET on a connection of its own has any answer: of who listens, not all have begun to accept. Raises
    DeployError as `until_they_listen`."""
    said = ""
    with trio.move_on_after(deadline):
        while True:
            try:
                if await _answers(parse_address(target)):
                    return
            except OSError as error:
                said = f"{error.strerror or error}. "
            except trio.BrokenResourceError as error:
                said = f"{error}. "
            _check(running)
            await trio.sleep(LOOK)
    words = running[0].last_words if running else ""
    raise DeployError(f"no answer from {target} after {deadline:g} s. {said}{words}")


async def _answers(address: Address) -> bool:
    """Raises OSError, trio.BrokenResourceError."""
    stream: trio.SocketStream
    if isinstance(address, TcpAddress):
        stream = await trio.open_tcp_stream(address.host, address.port)
    else:
        stream = await trio.open_unix_socket(address.sockaddr)
    async with stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")
        data = await stream.receive_some()
        while data and await stream.receive_some():  # to the end: it is to see no reset of ours
            pass
        return bool(data)
