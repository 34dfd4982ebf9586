"""python -m proxy.lab.load: a LoadSpec as JSON on standard input; on standard output a line with `{"began": …}` as soon
as it is known when the measured time begins, and at the end a line with the LoadResult.

SIGTERM, or the end of whoever started it, ends it early with what has been recorded.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING

import trio

from proxy.core.address import AddressError
from proxy.lab.load.generator import Generator
from proxy.lab.load.result import result_of, to_json
from proxy.lab.load.spec import BadSpec, LoadSpec
from proxy.serve.machine.tuning import raise_descriptor_limit, tune_garbage_collection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PRIORITY = -10
PARENT = 0.5  # seconds between two looks at it


async def _make(generator: Generator) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_end_at_signal, signals, nursery.cancel_scope)
            nursery.start_soon(_end_without_parent, os.getppid(), nursery.cancel_scope)
            await generator.run(lambda began: print(json.dumps({"began": began}), flush=True))
            nursery.cancel_scope.cancel()


async def _end_at_signal(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for _ in signals:
        scope.cancel()


async def _end_without_parent(parent: int, scope: trio.CancelScope) -> None:
    """The kernel's own signal for this comes when the thread ends that started us, which may be long before."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing else tells
        await trio.sleep(PARENT)
    scope.cancel()


def _go_first() -> None:
    """Where that is allowed. We stand for clients who have processors of their own: when the target has made all of
    ours busy, waiting for one would count as its slowness. Not in a closed loop: to be woken for each answer alone, and
    not for ten at a time, costs 39 us a request instead of 14, and that is taken from the target's capacity."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    except OSError:
        pass


def main() -> int:
    try:
        spec = LoadSpec.from_json(sys.stdin.read())
    except (BadSpec, AddressError) as error:
        print(f"load: {error}", file=sys.stderr)
        return 2
    raise_descriptor_limit()
    if spec.mode == "open":
        _go_first()
    generator = Generator(spec)
    tune_garbage_collection()
    trio.run(_make, generator)
    print(to_json(result_of(spec, generator)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
