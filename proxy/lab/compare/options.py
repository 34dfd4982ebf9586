"""The options of `rproxy compare`; apart from what they start, so that no other command pays for its import."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

EPILOG = """\
examples:
  rproxy compare --list                                            the models, and whether they can run here
  rproxy compare --quick                                           a first answer in under two minutes
  rproxy compare --app 'uvicorn app:app --host {host} --port {port}' --app 'uvicorn app:app --uds {socket}'
                                                                   your own application, in every model that suits it
  rproxy compare --models reuseport,proxy-unix --html report.html --json all.json
  rproxy compare --quick --emit deploy                             and write down how to deploy the best

in --app: {host} and {port} to listen on, or {socket}, or {fd} of a socket that listens already; {worker}, a number from
1. Several --app tell of several ways to start it. Without, it is a sample application.
"""


_SERVICE = (
    "that a request takes the sample application: constant:5ms, exponential:5ms, slow:FAST,SLOW,SHARE; "
    "default: as little as it can"
)
_KIND = "of that time: computed, slept while others are served, or slept so that nobody is; default: cpu"


def add_options(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what runs")
    add_application(what)
    what.add_argument("--models", metavar="A,B", help="default: all; --list names them")
    load = parser.add_argument_group("what is asked of it")
    load.add_argument("--quick", action="store_true", help="a variant of each model, once, in under two minutes")
    load.add_argument("--scenarios", metavar="A,B", help="default: all, or what a quick run has; --list names them")
    load.add_argument("--path", action="append", default=[], metavar="PATH", help="that requests ask for; default: /")
    load.add_argument("--service", metavar="TIME", help=_SERVICE)
    load.add_argument("--kind", choices=["cpu", "delay", "block"], default="cpu", help=_KIND)
    load.add_argument("--rate", type=float, metavar="N", help="requests per second where a rate is kept up")
    load.add_argument("--seconds", type=float, metavar="N", help="of load in each scenario; default: 2")
    load.add_argument("--repetitions", type=int, metavar="N", help="default: 3; quick: 1")
    load.add_argument("--seed", type=int, default=1, metavar="N", help="another one: other arrivals, another order")
    out = parser.add_argument_group("what comes of it")
    out.add_argument("--json", metavar="FILE", help="all that was measured, raw, and on what machine")
    out.add_argument("--html", metavar="FILE", help="a report with charts, in one file")
    out.add_argument("--read", metavar="FILE", help="measure nothing: the same again of what --json has written")
    out.add_argument("--emit", metavar="DIR", help="the files to deploy what did best")
    out.add_argument("--listen", default="127.0.0.1:8080", metavar="ADDRESS", help="in these; default: %(default)s")
    parser.add_argument("--list", action="store_true", help="name models and scenarios, what is missing, and end")


def add_application(group: argparse._ArgumentGroup) -> None:
    """The options that tell of an application, for `command.application_of`."""
    group.add_argument("--app", action="append", default=[], metavar="COMMAND", help="with {port}, {socket} or {fd}")
    group.add_argument(
        "--app-reuseport",
        action="append",
        default=[],
        metavar="COMMAND",
        help="with {port}; one that sets SO_REUSEPORT, so that several can be started on a port",
    )
    group.add_argument(
        "--app-stdio",
        action="append",
        default=[],
        metavar="COMMAND",
        help="serves one connection, its standard input and output",
    )
    group.add_argument("--workers", type=int, default=2, metavar="N", help="processes of it; default: 2")
