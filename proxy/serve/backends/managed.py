"""Managed backends: the processes that the configuration names with `command`, started, restarted and ended by us.

The shell's `while true; do app; done`, with a pause that grows, with its output told apart, and without orphans.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.restart import DEFAULT_POLICY, Condition, Restarts
from proxy.engine.listener import remove_stale
from proxy.serve.backends.child import Child
from proxy.serve.backends.child_output import ChildOutput
from proxy.serve.backends.managed_spec import ManagedError, ManagedSpec, check

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.address import Address
    from proxy.core.restart import RestartPolicy

__all__ = ["ManagedBackend", "ManagedError", "ManagedSpec", "MemberStatistics", "check", "supervise", "wait_ready"]

logger = logging.getLogger("rproxy.managed")

GRACE = 5.0  # seconds between SIGTERM and SIGKILL
LAST_LINES = 5  # of output that the report of a failing member quotes
_READ = 16 * 1024
_LAST_WORDS = 0.5  # seconds for output that was written before the end; a daemon that left the group may hold the pipe


@dataclass(frozen=True, slots=True)
class MemberStatistics:
    """pid: of the process that runs now, None between two. starts: how many there were."""

    name: str
    pid: int | None
    starts: int
    condition: Condition


class Member:
    """One process, and its successors."""

    def __init__(
        self, name: str, spec: ManagedSpec, number: int, on_output: Callable[[str], None], policy: RestartPolicy
    ) -> None:
        self.name = name
        self._command = spec.command_of(number)
        self._env = spec.env
        self._identity = spec.identity
        self._address = spec.address
        self._on_output = on_output
        self._restarts = Restarts(policy, trio.current_time())
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._pid: int | None = None

    def statistics(self) -> MemberStatistics:
        return MemberStatistics(self.name, self._pid, self._restarts.starts, self._restarts.condition)

    async def run(self, grace: float) -> None:
        """For ever. No process is left when it is cancelled."""
        while True:
            self._restarts.started(trio.current_time())
            self._died(await self._run_once(grace))
            await trio.sleep(self._restarts.pause)

    async def _run_once(self, grace: float) -> str:
        """How it ended."""
        try:
            self._remove_stale_socket()
            child = Child(self._command, self._env, self._identity)
        except OSError as error:  # no more processes or descriptors, somebody else on the path: that passes
            return f"{error.strerror}: it could not be started"
        status = await self._run_child(child, grace)
        return f"signal {-status}" if status < 0 else f"exit status {status}"

    def _remove_stale_socket(self) -> None:
        """A server that was killed leaves its socket file, and many refuse to listen on a path that exists."""
        if isinstance(self._address, UnixAddress) and not self._address.is_abstract:
            remove_stale(self._address.path)

    async def _run_child(self, child: Child, grace: float) -> int:
        reading = trio.CancelScope(shield=True)
        async with trio.open_nursery() as nursery:
            try:  # no checkpoint before it: a process that nobody ends would be left
                self._started(child.pid)
                nursery.start_soon(self._pass_output, child, reading)
                nursery.start_soon(self._watch_stability)
                status = await child.wait()
            finally:
                await child.end(grace)
                self._pid = None
                reading.deadline = trio.current_time() + _LAST_WORDS
            nursery.cancel_scope.cancel()
        return status

    def _started(self, pid: int) -> None:
        self._pid = pid
        level = logging.INFO if self._restarts.condition is Condition.UP else logging.DEBUG
        logger.log(level, "%s: started, pid %d", self.name, pid)

    async def _watch_stability(self) -> None:
        await trio.sleep_until(self._restarts.stable_at)
        if self._restarts.stayed_up():
            logger.info("%s: up again, pid %d", self.name, self._pid)

    async def _pass_output(self, child: Child, reading: trio.CancelScope) -> None:
        """reading: a shield, because a process that is asked to end must not block on a full pipe while it does.

        It gets its deadline when the process is gone, and so cannot hang.
        """
        output = ChildOutput()
        with reading:
            async with child.output:
                while data := await child.output.receive_some(_READ):
                    self._pass_on(output.feed(data, trio.current_time()))
        self._pass_on(output.end())

    def _pass_on(self, lines: list[str]) -> None:
        self._last_lines.extend(lines)
        for line in lines:
            self._on_output(f"{self.name} | {line}")

    def _died(self, how: str) -> None:
        condition = self._restarts.died(trio.current_time())
        if condition is Condition.RESTARTING:
            logger.warning("%s: died with %s; starting it again", self.name, how)
        elif condition is Condition.FAILING:
            said = "".join(f"\n    {line}" for line in self._last_lines) or " nothing"
            logger.error("%s: keeps dying, last with %s; trying on. It said:%s", self.name, how, said)


class ManagedBackend:
    """What `supervise` hands to its caller: a view of the running group."""

    def __init__(self, spec: ManagedSpec, members: list[Member]) -> None:
        self.spec = spec
        self._members = members

    def statistics(self) -> list[MemberStatistics]:
        return [member.statistics() for member in self._members]

    async def wait_ready(self, deadline: float) -> None:
        """`wait_ready` for its address: that somebody of the group listens, not that all do."""
        await wait_ready(self.spec.address, deadline)


async def supervise(
    spec: ManagedSpec,
    *,
    on_output: Callable[[str], None],
    policy: RestartPolicy = DEFAULT_POLICY,
    grace: float = GRACE,
    task_status: trio.TaskStatus[ManagedBackend] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Runs the members of one backend until it is cancelled, and then ends them within `grace` and two seconds.

    `started` hands over a ManagedBackend at once; when it serves is for `wait_ready` and the health checks to see.
    on_output: called with each line of a member, its name in front; it must not block.
    Raises ManagedError before anything is started.
    """
    check(spec)
    numbers = range(1, spec.members + 1)
    members = [Member(spec.name(number), spec, number, on_output, policy) for number in numbers]
    async with trio.open_nursery() as nursery:
        for member in members:
            nursery.start_soon(member.run, grace)
        task_status.started(ManagedBackend(spec, members))


async def wait_ready(address: Address, deadline: float) -> None:
    """Returns when a connect to `address` works. deadline: of Trio's clock. Raises trio.TooSlowError."""
    with trio.fail_at(deadline):
        while not await _can_connect(address):  # noqa: ASYNC110  nothing tells us when a stranger listens
            await trio.sleep(0.02)


async def _can_connect(address: Address) -> bool:
    try:
        if isinstance(address, TcpAddress):
            stream = await trio.open_tcp_stream(address.host, address.port)
        else:
            stream = await trio.open_unix_socket(address.sockaddr)
    except OSError:
        return False
    is_self = stream.socket.getsockname() == stream.socket.getpeername() != ""
    await trio.aclose_forcefully(stream)
    return not is_self  # a connect to a free port that took the same port for its own end meets itself (RFC 9293 3.5)
