"""The program that takes over from this one: started with our listening sockets, and waited for until it serves."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from proxy.serve.systemd.notify import to_environment
from proxy.serve.upgrade.description import Description, LeftSocket
from proxy.serve.upgrade.midwife import GRACE
from proxy.serve.workers.channel import Channel, ChannelError, dump_report, load_report

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from proxy.core.reload.inherit import Origin
    from proxy.serve.listeners import Listeners
    from proxy.serve.systemd.notify import Notifier

log = logging.getLogger("rproxy.upgrade")

LARGEST = 4096  # bytes of what it says
LAST_WORDS = 0.5  # seconds for the exit status of one that has closed its end of the channel
_MIDWIFE = Path(__file__).with_name("midwife.py")

Key = tuple[str, str]


class UpgradeError(Exception):
    """Why there is no successor; one line."""


class Successor:
    """A program that lives on when we end. pid: of its process, once it serves."""

    def __init__(self, midwife: subprocess.Popen[bytes], channel: Channel) -> None:
        """midwife: the parent of the program until it serves."""
        self.pid = 0
        self._midwife = midwife
        self._channel = channel

    @classmethod
    def start(cls, listeners: Listeners, notifier: Notifier, lent: Sequence[Key] = ()) -> Successor:
        """The same command line in the same directory: a new version is found where this one was. Raises UpgradeError.

        lent: managed backends that it uses while their processes are ours.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            sockets = tuple(_left(listeners))
            description = Description(os.getpid(), theirs.fileno(), sockets, tuple(lent))
            try:
                midwife = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(_MIDWIFE), str(os.getpid()), *command_line()],
                    env={**os.environ, **to_environment(notifier), **description.to_environment()},
                    pass_fds=[theirs.fileno(), *(each.descriptor for each in sockets)],
                )
            except OSError as error:
                ours.close()
                raise UpgradeError(f"{sys.executable} cannot be started: {error.strerror}") from None
        return cls(midwife, Channel(ours))

    async def wait_serving(self, seconds: float) -> None:
        """Returns when it serves clients. Raises UpgradeError when it has not come to that; then it is gone."""
        try:
            with trio.fail_after(seconds):
                message = await self._receive()
        except trio.TooSlowError:
            await self._end()
            raise UpgradeError(f"the new program does not serve after {seconds:g} s, and was ended") from None
        except BaseException:
            with trio.CancelScope(shield=True):
                await self._end()
            raise
        if message.get("kind") != "serving":
            status = await self._end()
            raise UpgradeError(f"the new program ended with {_how(status)} before it served; what it said stands above")
        self.pid = message["pid"]
        self._midwife.kill()
        self._midwife.wait()

    async def become_main(self) -> None:
        """It speaks to the service manager from now on."""
        await self._send({"kind": "main"})

    async def drained(self) -> None:
        """Our sessions are over: `attend` is asked for managed backends next."""
        await self._send({"kind": "drained"})

    async def attend(self, release: Callable[[Key], Awaitable[None]], hurry: Callable[[], None]) -> None:
        """Ends the processes of managed backends one by one, as the successor asks for it. Returns when it has all that
        it wants, or has ended. hurry: called when it ends."""
        while (kind := (message := await self._receive()).get("kind")) != "done":
            if kind == "release":
                key = _key(message["backend"])
                await release(key)
                await self._send({"kind": "released", "backend": list(key)})
            else:
                hurry()
                if kind is None:
                    return

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            await self._channel.send(dump_report(message))
        except OSError:
            pass  # it is gone, and nobody waits for that word

    async def _receive(self) -> dict[str, Any]:
        """Empty at the end."""
        try:
            message = await self._channel.receive(LARGEST)
            return load_report(message[0]) if message is not None else {}
        except ChannelError as error:
            log.warning("the new program cannot be understood: %s", error)
            return {}

    async def _end(self) -> int:
        """Also of what ends by itself already. The exit status."""
        try:
            with trio.move_on_after(LAST_WORDS):
                await self._wait_midwife()
            self._midwife.terminate()
            with trio.move_on_after(GRACE + 1.0):
                await self._wait_midwife()
        finally:
            self._channel.close()
            self._midwife.kill()
        return self._midwife.wait()

    async def _wait_midwife(self) -> None:
        while self._midwife.poll() is None:  # noqa: ASYNC110 - seconds, once
            await trio.sleep(0.02)


def _key(backend: Any) -> Key:
    pool, name = backend
    return pool, name


def _left(listeners: Listeners) -> Iterable[LeftSocket]:
    for name, listen, sock in listeners.all:
        origin: Origin = "unit" if sock in listeners.of_unit else "upgrade"
        yield LeftSocket(name, str(listen), origin, sock.fileno())


def command_line() -> list[str]:
    """Ours. The interpreter by its path in the environment that it was started from, links not followed."""
    return [sys.executable, *sys.orig_argv[1:]]


def _how(status: int) -> str:
    return f"signal {status - 128}" if status > 128 else f"exit status {status}"
