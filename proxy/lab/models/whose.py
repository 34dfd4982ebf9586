"""The workers of a model that starts them itself: which of its children is which number, and one after the other."""

from __future__ import annotations

import os
import re
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from proxy.lab.deployment import CannotDo, DeployError, Worker
from proxy.lab.measure.families import stat_fields

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

LOOK = 0.01  # seconds between looks whether a replacement runs
PATIENCE = 15.0  # seconds for a worker to end and for its replacement to serve
_MARK = "RPROXY_LAB_WORKER"
_NAME = re.compile(r"worker-(\d+)")


def marked(command: Sequence[str], number: int | str) -> list[str]:
    """The command, so that `marked_workers` knows its process again. number: or the text that becomes it."""
    return ["env", f"{_MARK}={number}", *command]


def marked_workers(roots: Iterable[int]) -> list[Worker]:
    """The children of these processes that were started with a mark, by number."""
    return _sorted((_mark_of(pid), pid) for root in roots for pid in children_of(root))


def named_workers(root: int) -> list[Worker]:
    """The children of a process that call themselves worker-1, worker-2, …, by number (PR_SET_NAME, prctl(2))."""
    return _sorted((_name_of(pid), pid) for pid in children_of(root))


def children_of(pid: int) -> list[int]:
    """Those that have not ended; none when it has ended itself."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in path.read_text().split()]
        except OSError:
            pass  # that thread has ended
    return [child for child in found if not _has_ended(child)]


async def replace_each(workers: Callable[[], Sequence[Worker]], is_up: Callable[[], Awaitable[None]]) -> None:
    """SIGTERM for each in its turn; on to the next one when another process has its number and `is_up` has returned.
    Raises DeployError when that does not happen."""
    for worker in workers():
        signal_to(worker.pid, signal.SIGTERM)
        with patience(f"worker {worker.number} was not replaced"):
            while not _is_replaced(worker, workers()):  # noqa: ASYNC110  a process has no event for its successor
                await trio.sleep(LOOK)
            await is_up()


def _is_replaced(before: Worker, now: Sequence[Worker]) -> bool:
    return any(each.number == before.number and each.pid != before.pid for each in now)


@contextmanager
def patience(text: str) -> Iterator[None]:
    """DeployError with this text for a block that takes too long."""
    try:
        with trio.fail_after(PATIENCE):
            yield
    except trio.TooSlowError:
        raise DeployError(f"{text} within {PATIENCE:g} s") from None


def kill_one(workers: Sequence[Worker], number: int) -> None:
    """Raises CannotDo when there is none of that number."""
    for worker in workers:
        if worker.number == number:
            signal_to(worker.pid, signal.SIGKILL)
            return
    raise CannotDo(f"there is no worker {number}")


def signal_to(pid: int, number: int) -> None:
    """Nothing when it has ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _sorted(found: Iterable[tuple[int, int]]) -> list[Worker]:
    """0 is nobody's number. The later of two that have the same: the one before it is about to leave."""
    return [Worker(number, pid) for number, pid in sorted(dict(sorted(found)).items()) if number]


def _mark_of(pid: int) -> int:
    """0 where there is none."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return 0
    marks = [int(each.partition(b"=")[2]) for each in environment if each.startswith(_MARK.encode() + b"=")]
    return marks[0] if marks else 0


def _name_of(pid: int) -> int:
    try:
        match = _NAME.fullmatch(Path(f"/proc/{pid}/comm").read_text().strip())
    except OSError:
        return 0
    return int(match[1]) if match else 0


def _has_ended(pid: int) -> bool:
    fields = stat_fields(pid)
    return not fields or fields[0] in "ZX"
