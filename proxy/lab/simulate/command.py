"""`rproxy simulate` as a program."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from proxy.core.config.sections.units import parse_duration
from proxy.lab.simulate.registry import WAYS
from proxy.lab.simulate.report import as_json, head, table, verdict
from proxy.lab.simulate.result import simulate
from proxy.lab.simulate.service import parse_service
from proxy.lab.simulate.spec import SimulationSpec
from proxy.lab.simulate.trace import BadTrace, Trace, read_trace

if TYPE_CHECKING:
    import argparse

    from proxy.lab.simulate.registry import Way
    from proxy.lab.simulate.result import SimulationResult
    from proxy.lab.simulate.service import Service

BAD_OPTION = 2
INTERRUPTED = 130  # as a shell has it of SIGINT
PIPE_WIDTH = 120  # columns where no terminal tells


def run(arguments: argparse.Namespace) -> int:
    """The exit status: 0, 2 when an option says nothing that can be simulated, 130 after Ctrl-C, which still prints
    the schemes that were done."""
    if arguments.list:
        for way in WAYS.values():
            print(f"{way.name:26}{way.summary}")
        return 0
    try:
        spec, ways = spec_of(arguments), ways_of(arguments.schemes)
    except (ValueError, OSError) as error:  # BadTrace among them
        sys.stderr.write(f"rproxy simulate: {error}\n")
        return BAD_OPTION
    results: list[SimulationResult] = []
    status = 0
    try:
        _simulate(spec, ways, results)
    except KeyboardInterrupt:
        status = INTERRUPTED
    _print(spec, results, is_json=arguments.json)
    return status


def spec_of(arguments: argparse.Namespace) -> SimulationSpec:
    """Raises ValueError, or OSError for a trace that cannot be read."""
    service = _service(arguments)
    is_replayed = isinstance(service, Trace) and bool(service.arrivals)
    if arguments.load is not None and arguments.rate is not None:
        raise ValueError("--load and --rate: give one of them")
    for name in ("load", "rate"):
        if (value := getattr(arguments, name)) is not None and not 0 < value < float("inf"):
            raise ValueError(f"--{name}: {value} is not above 0")
    same = ("workers", "slots", "burst", "connections", "patterns", "proxies", "limit", "requests", "seed")
    spec = SimulationSpec(
        service,
        arrivals=arguments.arrivals,
        reserve=parse_duration(arguments.reserve) if arguments.reserve else 0.0,
        **{name: getattr(arguments, name) for name in same},
    )
    if arguments.rate is not None:
        return replace(spec, load=arguments.rate * service.mean / (spec.workers * spec.slots))
    if arguments.load is not None:
        return replace(spec, load=arguments.load)
    return replace(spec, arrivals="trace") if is_replayed else spec


def _service(arguments: argparse.Namespace) -> Service:
    if arguments.trace is None:
        return parse_service(arguments.service or "exponential:10ms")
    if arguments.service is not None:
        raise ValueError("--service and --trace: give one of them")
    try:
        with Path(arguments.trace).open(encoding="utf-8", errors="replace") as lines:
            return read_trace(lines)
    except BadTrace as error:
        raise ValueError(f"{arguments.trace}: {error}") from None


def ways_of(names: str | None) -> list[Way]:
    """All for None. Raises ValueError, naming the choices."""
    if names is None:
        return list(WAYS.values())
    wanted = names.split(",")
    unknown = [name for name in wanted if name not in WAYS]
    if unknown:
        raise ValueError(f"no scheme {unknown[0]!r}: some of {', '.join(WAYS)}")
    return [WAYS[name] for name in wanted]


def _simulate(spec: SimulationSpec, ways: list[Way], results: list[SimulationResult]) -> None:
    """Says on a terminal what it is at."""
    console = Console(stderr=True)
    with console.status("") as status:
        for number, way in enumerate(ways, 1):
            status.update(f"{number} of {len(ways)}: {way.name}")
            results.append(simulate(spec, way))


def _print(spec: SimulationSpec, results: list[SimulationResult], *, is_json: bool) -> None:
    if is_json:
        sys.stdout.write(as_json(spec, results))
        return
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    console = Console(width=width, highlight=False)
    console.print(head(spec), "", table(results), "", verdict(results), sep="\n", markup=False)
