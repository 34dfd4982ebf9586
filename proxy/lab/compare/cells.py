"""A cell as seen by whoever runs it: a process that is fed, heard and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import trio

from proxy.lab.compare.events import Began, Deployed, Measured, from_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.compare.cell_spec import CellSpec, Run
    from proxy.lab.compare.events import Tell

COMMAND = (sys.executable, "-m", "proxy.lab.compare.cell")
GRACE = 20.0  # seconds for a cell to end all that it has started, each of which has 2 s before it is killed
LAST_WORDS = 2000  # bytes


async def run_cell(
    spec: CellSpec,
    tell: Tell,
    prefix: Sequence[str] = (),
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Every run of it is told as measured, if need be with why it could not; then it is started, and it returns when
    all that it has deployed is gone. prefix: the words before the command, of a program that gives it another kernel.
    Cancelling it ends the cell and all that it has deployed."""
    process = await trio.lowlevel.open_process(
        [*prefix, *COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C at the terminal reaches only us
    )
    heard = _Heard(list(spec.runs), tell, task_status)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(heard.read_errors, process)
            await _give(process, spec.to_json() + b"\n")
            await heard.read(process)
        heard.complete(await process.wait())
    finally:
        with trio.CancelScope(shield=True):
            await _end(process)


async def _give(process: trio.Process, data: bytes) -> None:
    """And leaves it open: its end is the order to end."""
    assert process.stdin is not None
    try:
        await process.stdin.send_all(data)
    except trio.BrokenResourceError:
        pass  # its errors tell


async def _end(process: trio.Process) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    await process.stdin.aclose()
    with trio.move_on_after(GRACE):
        await process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    with trio.move_on_after(GRACE):
        await process.wait()
    await process.stdout.aclose()
    await process.stderr.aclose()


class _Heard:
    """What a cell has said, and what it has yet to say."""

    def __init__(self, runs: list[Run], tell: Tell, task_status: trio.TaskStatus[None]) -> None:
        self._runs = runs
        self._tell = tell
        self._task_status = task_status
        self._errors = b""

    async def read(self, process: trio.Process) -> None:
        assert process.stdout is not None
        held = b""
        async for data in process.stdout:
            *lines, held = (held + data).split(b"\n")
            for line in lines:
                self._hear(line)

    def _hear(self, line: bytes) -> None:
        try:
            event = from_line(line)
        except ValueError:  # somebody else's words; the result that is missing then is told by `complete`
            return
        if isinstance(event, (Deployed, Began, Measured)):
            self._tell(event)
        if isinstance(event, Measured) and self._runs:
            self._runs = [run for run in self._runs if run.scenario != event.result.scenario]
            if not self._runs:
                self._task_status.started()

    async def read_errors(self, process: trio.Process) -> None:
        assert process.stderr is not None
        async for data in process.stderr:
            self._errors = (self._errors + data)[-LAST_WORDS:]

    def complete(self, status: int) -> None:
        for run in self._runs:
            words = self._errors.decode(errors="replace").strip() or "without a word"
            why = f"the process that measured it ended with status {status}: {words}"
            self._tell(Measured(run.cannot(why)))
        if self._runs:
            self._task_status.started()
