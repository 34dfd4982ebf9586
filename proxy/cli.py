"""The command line: `rproxy --config lb.toml`, `rproxy check lb.toml`, `rproxy schema`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from proxy import __version__
from proxy.core.address import AddressError, parse_address
from proxy.core.config import ConfigErrors, json_schema, problems_as_json, render_problems
from proxy.lab.compare import options as compare_options
from proxy.lab.emit import options as units_options
from proxy.lab.simulate import options as simulate_options
from proxy.serve.logs.program_log import start_logging
from proxy.serve.reload.reloading import check_configuration
from proxy.serve.run import StartError, run

if TYPE_CHECKING:
    from collections.abc import Sequence

BAD_CONFIG = 2  # exit status, also of argparse for a bad command line
CANNOT_START = 1
ADMIN = "127.0.0.1:9900"  # the address that examples and messages name

_EPILOG = """\
examples:
  rproxy --config lb.toml           serve until SIGTERM or Ctrl-C; a second one does not wait for what runs
  rproxy check lb.toml              say all that is wrong with a file, start nothing; exit status 2 if it has errors
  rproxy check --json lb.toml       the same, one JSON object per problem
  rproxy doctor --config lb.toml    look at this machine too, and explain each finding with its fix
  rproxy top --admin HOST:PORT      watch a running rproxy: backends, workers, errors; with --once as text
  rproxy compare --quick            your application in every way of spreading work, measured side by side
  rproxy units reuseport --dir D    systemd units that deploy your application in one of these ways
  rproxy simulate --workers 12      the ways of spreading work, simulated: who waits how long, who gets how much
  rproxy schema > rproxy.json       a JSON Schema, for completion and checks in editors
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.command == "check":
        return _check(arguments.file, as_json=arguments.json)
    if arguments.command == "schema":
        print(json.dumps(json_schema(), indent=2))
        return 0
    if arguments.command == "doctor":
        return _doctor(arguments)
    if arguments.command == "top":
        return _top(arguments)
    if arguments.command == "compare":
        return _compare(arguments)
    if arguments.command == "units":
        return _units(arguments)
    if arguments.command == "simulate":
        return _simulate(arguments)
    if arguments.config is None:
        parser.error("what to serve is missing: rproxy --config lb.toml")
    return _run(arguments.config, arguments.log_level)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rproxy",
        description="A reverse proxy and load balancer that understands workers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"rproxy {__version__}")
    parser.add_argument("--config", metavar="FILE", help="the configuration to serve (TOML)")
    parser.add_argument(
        "--log-level", default="info", choices=["debug", "info", "warning", "error"], help="default: info"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="other commands")
    check = commands.add_parser("check", help="check a configuration without starting anything")
    check.add_argument("file", metavar="FILE")
    check.add_argument("--json", action="store_true", help="one JSON object per problem, for programs")
    doctor = commands.add_parser("doctor", help="examine this machine and a configuration: findings with their fixes")
    doctor.add_argument("--config", dest="file", metavar="FILE", help="what rproxy serves, or is to serve")
    doctor.add_argument("--json", action="store_true", help="one JSON object, for programs")
    doctor.add_argument("--quiet", action="store_true", help="send backends no request (HEAD), only connect")
    top = commands.add_parser("top", help="watch a running rproxy in the terminal")
    top.add_argument("--admin", metavar="ADDRESS", help=f"[admin] listen of that rproxy; default: {ADMIN}")
    top.add_argument("--config", dest="file", metavar="FILE", help="where that address stands")
    top.add_argument("--once", action="store_true", help="print it once, as text, and end")
    compare = commands.add_parser(
        "compare",
        help="run an application in every way of spreading work, and measure them side by side",
        epilog=compare_options.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    compare_options.add_options(compare)
    units = commands.add_parser(
        "units",
        help="write the systemd units of an application in one of the models of compare",
        epilog=units_options.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    units_options.add_options(units)
    simulate = commands.add_parser(
        "simulate",
        help="simulate ways of spreading work over up to thousands of workers",
        epilog=simulate_options.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    simulate_options.add_options(simulate)
    commands.add_parser("schema", help="print the JSON Schema of the configuration")
    return parser


def _check(path: str, *, as_json: bool) -> int:
    checked = check_configuration(path)
    if as_json:
        sys.stdout.write(problems_as_json(checked.problems))
    elif checked.problems:
        sys.stdout.write(render_problems(checked.problems))
    else:
        print(f"{path}: good")
    return 0 if checked.config is not None else BAD_CONFIG


def _doctor(arguments: argparse.Namespace) -> int:
    """Imported late: a start of the proxy does not pay for it."""
    from proxy.doctor import examine, report

    config = None
    if arguments.file is not None:
        checked = check_configuration(arguments.file)
        sys.stderr.write(render_problems(checked.problems))
        if checked.config is None:
            return BAD_CONFIG
        config = checked.config
    found = examine.examine(config, asks=not arguments.quiet)
    sys.stdout.write(report.as_json(found) if arguments.json else report.as_text(found))
    return found.status


def _top(arguments: argparse.Namespace) -> int:
    """Imported late, as the doctor is."""
    from proxy.top.run import top

    text = arguments.admin or ADMIN
    if arguments.file is not None:
        config = check_configuration(arguments.file).config
        if config is None or config.admin is None:
            what = "no [admin]" if config else f"errors: rproxy check {arguments.file}"
            sys.stderr.write(f"rproxy: {arguments.file} has {what}\n")
            return BAD_CONFIG
        text = str(config.admin.listen)
    try:
        address = parse_address(text)
    except AddressError as error:
        sys.stderr.write(f"rproxy: --admin: {error}\n")
        return BAD_CONFIG
    return top(address, once=arguments.once)


def _units(arguments: argparse.Namespace) -> int:
    """Imported late, as the doctor is."""
    from proxy.lab.emit import command

    return command.run(arguments)


def _compare(arguments: argparse.Namespace) -> int:
    """Imported late, as the doctor is."""
    from proxy.lab.compare import command

    return command.run(arguments)


def _simulate(arguments: argparse.Namespace) -> int:
    """Imported late, as the doctor is."""
    from proxy.lab.simulate import command

    return command.run(arguments)


def _run(path: str, level: str) -> int:
    start_logging(level.upper())
    checked = check_configuration(path)
    if checked.problems:
        sys.stderr.write(render_problems(checked.problems))
    try:
        run(checked.unwrap(), path)
    except ConfigErrors:
        return BAD_CONFIG
    except StartError as error:
        sys.stderr.write(f"rproxy: {error}\n")
        return CANNOT_START
    return 0
