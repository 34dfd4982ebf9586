"""The options of `rproxy simulate`; apart from what they start, so that no other command pays for its import."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

EPILOG = """\
examples:
  rproxy simulate                                                  4 workers, 80 % busy, every scheme
  rproxy simulate --service slow:1ms,100ms,1% --load 0.6           what 1 % slow requests do to the others
  rproxy simulate --connections 200 --schemes epoll-exclusive,reuseport
                                                                   who gets long-lived connections
  rproxy simulate --workers 1000 --requests 1000000 --proxies 8    eight proxies that do not know of each other
  rproxy simulate --trace access.json --workers 12                 what was logged, on other workers
"""

_SERVICE = (
    "what a request costs a worker: constant:10ms, exponential:10ms (the default), slow:FAST,SLOW,SHARE, "
    "lognormal:MEAN,CV, pareto:MEAN,ALPHA"
)
_TRACE = (
    'recorded instead: an access log with format = "json", or lines of ARRIVAL SERVICE or SERVICE in seconds; with its '
    "arrivals, unless --load or --rate is given"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    work = parser.add_argument_group("work")
    work.add_argument("--service", metavar="TIME", help=_SERVICE)
    work.add_argument("--trace", metavar="FILE", help=_TRACE)
    work.add_argument("--load", type=float, metavar="SHARE", help="of all workers' time; default: 0.8")
    work.add_argument("--rate", type=float, metavar="N", help="requests per second, instead of --load")
    work.add_argument("--arrivals", choices=["poisson", "constant", "bursts"], default="poisson")
    work.add_argument("--burst", type=int, default=1, metavar="N", help="requests at once, with --arrivals bursts")
    work.add_argument("--connections", type=int, default=0, metavar="N", help="kept alive; default: one per request")
    work.add_argument("--requests", type=int, default=200_000, metavar="N", help="default: 200000; 3 to 7 us each")
    work.add_argument("--seed", type=int, default=1, metavar="N", help="another one: other draws")
    machines = parser.add_argument_group("who does it")
    machines.add_argument("--schemes", metavar="A,B", help="default: all; --list names them")
    machines.add_argument("--workers", type=int, default=4, metavar="N")
    machines.add_argument("--slots", type=int, default=1, metavar="N", help="requests at once in a worker")
    machines.add_argument("--proxies", type=int, default=1, metavar="N", help="in front, each with its own counts")
    machines.add_argument("--limit", type=int, default=0, metavar="N", help="max_connections of each backend")
    machines.add_argument("--reserve", metavar="TIME", help="from a worker's end of a job to its next, where it pulls")
    machines.add_argument("--patterns", type=int, default=1, metavar="N", help="kinds of tuples, each worker takes one")
    parser.add_argument("--list", action="store_true", help="name the schemes and end")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
