"""python -m proxy.lab.models.pull.worker --queue unix:/run/jobs.sock --application 127.0.0.1:8001: pulls jobs.

It takes the next job when the one before is answered, has the application answer it, and gives the answer back. When
the application is gone it ends without a word about the job in hand, as a worker in one process with it would. SIGTERM
lets it finish that job first.
"""

from __future__ import annotations

import argparse
import mmap
import signal
import sys
import time
from typing import TYPE_CHECKING

import trio

from proxy.core.address import AddressError
from proxy.lab.models.pull.application import Application, ApplicationGone
from proxy.lab.models.pull.broker import BrokerGone, Job, Source
from proxy.lab.models.pull.choose import add_options, open_source
from proxy.lab.models.pull.responses import plain
from proxy.serve.machine.tuning import tune_garbage_collection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

READY = "ready"  # what it says when it pulls
COUNT_SIZE = 8  # bytes of the file with the count


class Counter:
    """How many jobs were answered: a number in a file, which outlives us and which others may read at any time."""

    def __init__(self, path: str) -> None:
        """Goes on from what is there. Raises OSError."""
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), COUNT_SIZE)

    def add(self) -> None:
        self._map[:] = (int.from_bytes(self._map, "little") + 1).to_bytes(COUNT_SIZE, "little")


def read_count(path: Path) -> int:
    return int.from_bytes(path.read_bytes(), "little")


class Hand:
    """Takes one job at a time, over a connection of its own to the broker and to the application."""

    def __init__(self, source: Source, application: Application, counter: Counter | None) -> None:
        self._source, self._application, self._counter = source, application, counter
        self._taking = trio.CancelScope()
        self._is_stopped = False

    def stop(self) -> None:
        """Takes no more; `run` returns when the job in hand is done."""
        self._is_stopped = True
        self._taking.cancel()

    async def run(self) -> None:
        """Raises ApplicationGone, BrokerGone."""
        while (job := await self._take()) is not None:
            self._source.give(job, await self._answer(job))
            if self._counter is not None:
                self._counter.add()
        await self._source.leave()
        self._application.close()

    async def _take(self) -> Job | None:
        if not self._is_stopped:
            with trio.CancelScope() as self._taking:
                return await self._source.take()
        return None

    async def _answer(self, job: Job) -> bytes:
        with trio.move_on_after(job.deadline - time.monotonic()):
            return await self._application.ask(job.request)
        return plain(504, "the application did not answer in time")


async def work(args: argparse.Namespace) -> None:
    """Until SIGTERM. Raises AddressError, OSError, ApplicationGone, BrokerGone."""
    counter = Counter(args.count) if args.count else None
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        hands = [await _hand(args, counter) for _ in range(args.at_once)]
        print(READY, flush=True)
        failed: list[Exception] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_at_signal, signals, hands)
            async with trio.open_nursery() as working:
                for hand in hands:
                    working.start_soon(_run, hand, failed, working.cancel_scope)
            nursery.cancel_scope.cancel()
    for error in failed:
        raise error


async def _hand(args: argparse.Namespace, counter: Counter | None) -> Hand:
    application = Application(args.application)
    await application.wait(args.wait)
    return Hand(await open_source(args), application, counter)


async def _stop_at_signal(signals: AsyncIterator[int], hands: Sequence[Hand]) -> None:
    async for _ in signals:
        for hand in hands:
            hand.stop()


async def _run(hand: Hand, failed: list[Exception], scope: trio.CancelScope) -> None:
    """So that an error comes out as itself, in no group."""
    try:
        await hand.run()
    except (ApplicationGone, BrokerGone) as error:
        failed.append(error)
        scope.cancel()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proxy.lab.models.pull.worker")
    parser.add_argument("--application", metavar="ADDRESS", required=True, help="where it listens, HTTP/1.1")
    parser.add_argument("--count", metavar="FILE", help="of 8 bytes: how many jobs were answered, little-endian")
    parser.add_argument("--at-once", metavar="JOBS", type=int, default=1, help="how many it takes at the same time")
    parser.add_argument("--wait", metavar="SECONDS", type=float, default=30.0, help="until the application listens")
    parser.add_argument("--lease", metavar="SECONDS", type=float, help="take tuples for so long only, then they return")
    add_options(parser)
    tune_garbage_collection()
    try:
        trio.run(work, parser.parse_args())
    except (AddressError, OSError, ApplicationGone, BrokerGone) as error:
        print(f"worker: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
