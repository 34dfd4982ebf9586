"""`rproxy compare` as a program."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from rich.console import Console

from proxy.lab.analysis.verdict import judge
from proxy.lab.application import SAMPLE, parse_application
from proxy.lab.compare import listing
from proxy.lab.compare.compare import Comparing, available
from proxy.lab.compare.settings import Settings
from proxy.lab.emit.winner import README, emit
from proxy.lab.emit.wish import NoUnits, Wish
from proxy.lab.models.registry import MODELS
from proxy.lab.report.html.page import to_html
from proxy.lab.report.progress import Progress
from proxy.lab.report.table import report_text
from proxy.lab.report.to_json import BadComparison, from_json, to_json
from proxy.lab.scenarios.registry import SCENARIOS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection

    from proxy.lab.analysis.verdict import Verdict
    from proxy.lab.application import Application
    from proxy.lab.results import Comparison

NOTHING = 1  # no model could be measured
BAD_OPTION = 2
BY_SIGNAL = 128  # and the signal's number, as a shell has it
REPETITIONS = 3
PIPE_WIDTH = 120  # columns where no terminal tells


def run(arguments: argparse.Namespace) -> int:
    """The exit status: 0, 1 when nothing could be measured or deployed, 2 when an option makes no sense, 130 after
    Ctrl-C and 143 after SIGTERM, with what was measured until then written as if it were all."""
    try:
        settings, application = settings_of(arguments), application_of(arguments)
        if settings.service and not application.is_sample:
            raise ValueError("--service: only the sample application knows how to take as long as that; use --path")
        wish = Wish(application, settings.workers, arguments.listen)
        measured = read(arguments.read) if arguments.read else None
        check_places(arguments, wish)
    except (ValueError, OSError) as error:  # BadApplication among them
        sys.stderr.write(f"rproxy compare: {error}\n")
        return BAD_OPTION
    if arguments.list:
        sys.stdout.write(listing.as_text(available(application, settings), SCENARIOS.values()))
        return 0
    if measured is not None:
        return 0 if write(arguments, measured, wish) else NOTHING
    with Progress(Console(stderr=True)) as progress:
        comparing = Comparing(settings, application, progress.tell)
        ended = trio.run(_run, comparing)
    comparison = comparing.comparison()
    is_complete = write(arguments, comparison, wish)
    if ended:
        return BY_SIGNAL + ended
    return 0 if is_complete and any(result.figures for result in comparison.results) else NOTHING


def read(name: str) -> Comparison:
    """What --json has written. Raises ValueError, which names the file, or OSError, which does too."""
    try:
        return from_json(Path(name).read_bytes())
    except BadComparison as error:
        raise ValueError(f"--read: {name}: {error}") from None


async def _run(comparing: Comparing) -> int:
    """The signal that ended it, or 0."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            ended = 0

            async def end() -> None:
                nonlocal ended
                async for number in signals:
                    ended = number
                    nursery.cancel_scope.cancel()

            nursery.start_soon(end)
            await comparing.run()
            nursery.cancel_scope.cancel()
    return ended


def check_places(arguments: argparse.Namespace, wish: Wish) -> None:
    """That files can be written, before an hour has passed. Raises OSError, which names the file, or ValueError."""
    for name in filter(None, (arguments.json, arguments.html)):
        with Path(name).open("a", encoding="utf-8"):
            pass
    if arguments.emit and wish.address:  # which raises
        Path(arguments.emit).mkdir(parents=True, exist_ok=True)


def write(arguments: argparse.Namespace, comparison: Comparison, wish: Wish) -> bool:
    """False when files to deploy were asked for and there is nothing to deploy."""
    if arguments.json:
        Path(arguments.json).write_text(to_json(comparison), encoding="utf-8")
    if arguments.html:
        Path(arguments.html).write_text(to_html(comparison), encoding="utf-8")
    verdict = judge(comparison)
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    Console(width=width, highlight=False).print(report_text(comparison, verdict))
    return not arguments.emit or _emit(arguments.emit, verdict, wish)


def _emit(directory: str, verdict: Verdict, wish: Wish) -> bool:
    try:
        names = emit(verdict, wish, directory)
    except NoUnits as error:
        sys.stderr.write(f"rproxy compare: --emit: {error}\n")
        return False
    print(f"\nTo deploy it: {', '.join(names)} in {directory}; {README} says how.")
    return True


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Raises ValueError."""
    return Settings(
        is_quick=arguments.quick,
        models=_names("model", arguments.models, MODELS),
        scenarios=_names("scenario", arguments.scenarios, SCENARIOS),
        workers=arguments.workers,
        repetitions=_repetitions(arguments),
        rate=arguments.rate,
        seconds=arguments.seconds,
        paths=tuple(arguments.path),
        service=arguments.service or "",
        kind=arguments.kind,
        seed=arguments.seed,
    )


def _repetitions(arguments: argparse.Namespace) -> int:
    if arguments.repetitions is not None:
        return int(arguments.repetitions)
    return 1 if arguments.quick else REPETITIONS


def application_of(arguments: argparse.Namespace) -> Application:
    """Raises BadApplication."""
    if not (arguments.app or arguments.app_reuseport or arguments.app_stdio):
        return SAMPLE
    return parse_application(arguments.app, reuseport=arguments.app_reuseport, stdio=arguments.app_stdio)


def _names(what: str, text: str | None, known: Collection[str]) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no {what} {unknown[0]!r}: some of {', '.join(known)}")
    return names
