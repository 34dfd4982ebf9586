"""The generator as the lab uses it: a process of its own, which cannot outlive the block that started it.

async with generating(spec) as load:
    await load.wait(1.0)  # of the measured time, whose beginning is `await load.began()`
    ...  # kill a worker, say
    result = await load.result()
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from proxy.lab.load.result import from_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxy.lab.load.spec import LoadSpec
    from proxy.lab.results import LoadResult

GRACE = 5.0  # seconds for a killed process to be gone
COMMAND = (sys.executable, "-m", "proxy.lab.load")


class LoadFailed(Exception):
    """The generator ended without a result; the message has its last words."""


class Load:
    """One generator that runs. pid: of its process."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self.pid = process.pid
        self._lines: list[bytes] = []
        self._has_begun, self._has_ended = trio.Event(), trio.Event()
        self._errors = b""

    async def began(self) -> float:
        """Raises LoadFailed."""
        await self._has_begun.wait()
        return float(json.loads(self._line(0))["began"])

    async def wait(self, seconds: float) -> None:
        """Until so much of the measured time has passed; at once when it has. Raises LoadFailed."""
        began = await self.began()
        await trio.sleep(max(began + seconds - time.monotonic(), 0.0))

    async def result(self) -> LoadResult:
        """When the last request has ended. Raises LoadFailed."""
        await self._has_ended.wait()
        return from_json(self._line(1))

    async def stop(self) -> LoadResult:
        """What has been recorded until now."""
        self._process.terminate()
        return await self.result()

    def _line(self, index: int) -> bytes:
        if len(self._lines) <= index:
            raise LoadFailed(self._errors.decode(errors="replace").strip() or f"status {self._process.returncode}")
        return self._lines[index]

    async def run(self, spec: LoadSpec) -> None:
        """Feeds and reads it until it ends."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read_errors)
            nursery.start_soon(self._give, spec.to_json().encode())
            await self._read()
        await self._process.wait()
        self._has_begun.set()
        self._has_ended.set()

    async def _give(self, data: bytes) -> None:
        assert self._process.stdin is not None
        async with self._process.stdin as stdin:
            try:
                await stdin.send_all(data)
            except trio.BrokenResourceError:
                pass  # its errors tell

    async def _read(self) -> None:
        assert self._process.stdout is not None
        held = b""
        async for data in self._process.stdout:
            *lines, held = (held + data).split(b"\n")
            self._lines += lines
            if self._lines:
                self._has_begun.set()

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        async for data in self._process.stderr:
            self._errors = (self._errors + data)[-4096:]


@asynccontextmanager
async def generating(spec: LoadSpec) -> AsyncIterator[Load]:
    """The load begins at once. Leaving the block ends it."""
    process = await trio.lowlevel.open_process(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    load = Load(process)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(load.run, spec)
            yield load
            nursery.cancel_scope.cancel()
    finally:
        process.kill()
        with trio.move_on_after(GRACE, shield=True):
            await process.wait()


async def generate(spec: LoadSpec) -> LoadResult:
    """The whole load. Raises LoadFailed; cancelling it ends the generator."""
    async with generating(spec) as load:
        return await load.result()
