"""The supervisor's side of the spawner: asks it for workers, and starts another one when it dies."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import trio

from proxy.core.restart import DEFAULT_POLICY, Restarts
from proxy.serve.workers.process import Process

if TYPE_CHECKING:
    from proxy.core.restart import RestartPolicy

log = logging.getLogger("rproxy.workers")

PATIENCE = 5.0  # seconds for an answer, which takes some milliseconds; a spawner that hangs is replaced
START_PATIENCE = 60.0  # for its first one: it imports for half a second, and 20 times as long where others want the CPU
_PARTING = 1.0  # seconds for the spawner to end by itself
_DATAGRAM = 4096


class SpawnError(Exception):
    """Why there is no new worker; one line. It may work the next time."""


class Spawning:
    """A running spawner, and its successors. pid: of the one that runs. module: what the next one runs."""

    def __init__(self, module: str = "proxy.serve.workers.spawner", policy: RestartPolicy = DEFAULT_POLICY) -> None:
        self.module = module
        self.patience, self.start_patience = PATIENCE, START_PATIENCE
        self._has_answered = False  # the spawner that runs
        self._restarts = Restarts(policy, trio.current_time())
        self._asking: trio.socket.SocketType | None = None
        self._changed = trio.Event()
        self._one_at_a_time = trio.Lock()
        self._asked = 0
        self._answers: dict[int, Process | SpawnError | None] = {}  # by the id of a question that somebody waits for
        self._processes: dict[int, Process] = {}
        self.pid: int | None = None

    async def spawn(self, number: int) -> tuple[Process, socket.socket]:
        """A new worker, and our end of its channel. Waits while there is no spawner. Raises SpawnError."""
        async with self._one_at_a_time:
            while True:
                while self._asking is None:
                    await self._changed.wait()
                ours, theirs = socket.socketpair()
                try:
                    with theirs:
                        process = await self._ask(self._asking, number, theirs)
                except BaseException:
                    ours.close()
                    raise
                if process is not None:
                    return process, ours
                ours.close()

    async def _ask(self, asking: trio.socket.SocketType, number: int, theirs: socket.socket) -> Process | None:
        """None: the spawner died. A worker that it made all the same ends, because nobody has the other end."""
        self._asked = question = self._asked + 1
        self._answers[question] = None
        request = json.dumps({"id": question, "worker": number}).encode()
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, theirs.fileno().to_bytes(4, sys.byteorder))
        try:
            await asking.sendmsg([request], [rights])
            await self._wait_answer(question, asking)
            answer = self._answers[question]
        except (BrokenPipeError, ConnectionResetError):
            await self._changed.wait()
            return None
        finally:
            del self._answers[question]
        if isinstance(answer, SpawnError):
            raise answer
        return answer

    async def _wait_answer(self, question: int, asking: trio.socket.SocketType) -> None:
        """Until it has come, or the spawner is gone; one that hangs is killed."""
        with trio.move_on_after(self.patience if self._has_answered else self.start_patience) as patience:
            while self._answers[question] is None and asking is self._asking:
                await self._changed.wait()
        if patience.cancelled_caught and self.pid is not None:
            log.error("the spawner of workers does not answer")
            os.kill(self.pid, signal.SIGKILL)  # our own child, not reaped yet
            await self._changed.wait()

    async def run(self) -> None:
        """Until cancelled; then the spawner is gone. Its workers are not."""
        while True:
            self._restarts.started(trio.current_time())
            try:
                await self._run_once()
            except OSError as error:
                log.error("the spawner of workers cannot be started: %s", error)
            else:
                log.error("the spawner of workers has died; starting another one")
            self._restarts.died(trio.current_time())
            await trio.sleep(self._restarts.pause)

    async def _run_once(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            ours.setblocking(False)
            asking = trio.socket.from_stdlib_socket(ours)
            try:
                spawner = _start(self.module, theirs.fileno())
            except BaseException:
                asking.close()
                raise
        try:
            self.pid = spawner.pid
            self._has_answered = False
            self._set(asking)
            while await self._listen(asking):
                pass
        finally:
            asking.close()
            self._set(None)
            await _end(spawner)

    def _set(self, asking: trio.socket.SocketType | None) -> None:
        self._asking = asking
        if asking is None:
            self.pid = None
            for process in self._processes.values():
                process.ended(None)  # or it was told already
            self._processes.clear()
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def _listen(self, asking: trio.socket.SocketType) -> bool:
        """Whether there will be more."""
        try:
            data, extras, _, _ = await asking.recvmsg(_DATAGRAM, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            return False
        if not data:
            return False
        self._has_answered = True
        descriptors = [int.from_bytes(rights, sys.byteorder) for _, _, rights in extras]
        self._heard(json.loads(data), *descriptors)
        return True

    def _heard(self, answer: dict[str, Any], pidfd: int | None = None) -> None:
        if pidfd is None and "status" in answer:
            process = self._processes.pop(answer["pid"], None)
            if process is not None:
                process.ended(answer["status"])
        elif answer["id"] in self._answers:
            self._answers[answer["id"]] = self._outcome(answer, pidfd)
            self._wake()
        elif pidfd is not None:  # whoever asked was cancelled, and has closed the worker's channel, which ends it
            os.close(pidfd)

    def _outcome(self, answer: dict[str, Any], pidfd: int | None) -> Process | SpawnError:
        if pidfd is None:
            return SpawnError(answer.get("error", "there is no room for more open files"))
        process = self._processes[answer["pid"]] = Process(answer["pid"], pidfd)
        return process


def _start(module: str, descriptor: int) -> subprocess.Popen[bytes]:
    """It finds the same modules as this process, wherever it was started. A directory with a `proxy` of its own, which
    `-m` would look into first, does not matter (`-P`)."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = (sys.executable, "-P", "-m", module, str(descriptor))
    return subprocess.Popen(command, env=env, pass_fds=(descriptor,))


async def _end(spawner: subprocess.Popen[bytes]) -> None:
    """It ends by itself, now that nobody asks."""
    with trio.CancelScope(shield=True):
        with trio.move_on_after(_PARTING):
            while spawner.poll() is None:  # noqa: ASYNC110 - it takes a millisecond
                await trio.sleep(0.002)
            return
        spawner.kill()
        spawner.wait()
