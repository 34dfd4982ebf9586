"""One child process in a process group of its own, that can be waited for and ended with all it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from proxy.serve.backends.die_with_parent import NO_NEW_PRIVILEGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from proxy.serve.machine.privileges import Identity

_LAUNCHER = Path(__file__).with_name("die_with_parent.py")
# `python` in a command is the Python that runs us: that of the virtual environment, whether or not it was activated.
_PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
_POLL = 0.02  # seconds, where there is no descriptor to wait for
_KILL_WAIT = 2.0  # a process in an uninterruptible system call outlives SIGKILL; we cannot wait for it


class Child:
    """A running process. Whoever starts it awaits `end`, also after it died: its own children may be left.

    Not trio.Process, which starts the process from a worker thread: the kernel takes the end of the *thread* for the
    death of the parent, and Trio ends a thread that was idle for ten seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        identity: Identity | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Starts it. Blocks until the launcher runs, about a millisecond; a command that is missing exits with 127.

        identity: for a process of another user's than ours, which gains nothing by set-user-ID bits. pass_fds: what it
        inherits, under the same numbers. Raises OSError.
        """
        launcher: tuple[str, ...] = (sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()))
        become: dict[str, Any] = {}
        if identity is not None and not identity.is_ours:
            launcher = (*launcher, NO_NEW_PRIVILEGES)
            env = {**identity.environment, **env}
            become = {"user": identity.uid, "group": identity.gid, "extra_groups": identity.groups}
        self._popen = subprocess.Popen(
            (*launcher, *command),
            **become,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": _PATH, **env},
            pass_fds=pass_fds,
            start_new_session=True,  # Ctrl-C at the terminal reaches only us
        )
        assert self._popen.stdout
        self.output = trio.lowlevel.FdStream(os.dup(self._popen.stdout.fileno()))
        self._popen.stdout.close()

    @property
    def pid(self) -> int:
        """Also the id of the process group."""
        return self._popen.pid

    async def wait(self) -> int:
        """The exit status; minus the signal's number if one ended it. May be cancelled and called again."""
        if self._popen.poll() is None:
            await self._wait_exit()
        return self._popen.wait()

    async def _wait_exit(self) -> None:
        if not hasattr(os, "pidfd_open"):
            while self._popen.poll() is None:  # noqa: ASYNC110  the kernel has no event for it
                await trio.sleep(_POLL)
            return
        descriptor = os.pidfd_open(self.pid)
        try:
            await trio.lowlevel.wait_readable(descriptor)
        finally:
            os.close(descriptor)

    async def end(self, grace: float) -> None:
        """Ends the whole group: SIGTERM, after `grace` seconds SIGKILL. Also when cancelled, so it is bounded."""
        with trio.CancelScope(shield=True):
            self._signal_group(signal.SIGTERM)
            with trio.move_on_after(grace):
                await self._wait_group_gone()
                return
            self._signal_group(signal.SIGKILL)
            with trio.move_on_after(_KILL_WAIT):
                await self._wait_group_gone()

    def signal(self, number: int) -> None:
        """To the process alone. Nothing when it has ended."""
        self._popen.send_signal(number)

    async def _wait_group_gone(self) -> None:
        await self.wait()
        while self._reap_orphans() or self._signal_group(0):  # noqa: ASYNC110  the kernel has no event for an empty group
            await trio.sleep(_POLL)

    def _reap_orphans(self) -> bool:
        """Whether there was one. They become ours to reap when we are process 1, as in a container."""
        try:
            return os.waitpid(-self.pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return False

    def _signal_group(self, number: int) -> bool:
        """Whether there is still somebody in it. While there is, the kernel gives its id to nobody else."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:  # macOS says so of a group of zombies
            return False
        return True
