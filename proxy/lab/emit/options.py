"""The options of `rproxy units`; apart from what they start, so that no other command pays for its import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.compare.options import add_application

if TYPE_CHECKING:
    import argparse

EPILOG = """\
examples:
  rproxy units systemd-socket --app 'uvicorn app:app --fd {fd}' --workers 4 --dir deploy
                                 four instances, each with a socket unit: restarts lose no connection
  rproxy units proxy-unix --app 'uvicorn app:app --uds {socket}' --listen 0.0.0.0:80 --dir deploy
                                 rproxy in front, which starts and looks after the application

It installs nothing: it writes files, and says which commands install them. For systemd 252 or newer.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="as `rproxy compare --list` names it")
    add_application(parser.add_argument_group("what runs"))
    how = parser.add_argument_group("how it is deployed")
    how.add_argument("--variant", default="", metavar="NAME", help="of the model; default: the one to recommend")
    how.add_argument("--listen", default="127.0.0.1:8080", metavar="ADDRESS", help="for clients; default: %(default)s")
    how.add_argument("--user", default="", metavar="NAME", help="that it runs as; default: who systemd is, root")
    how.add_argument("--name", default="app", metavar="NAME", help="of the units; default: %(default)s")
    how.add_argument("--dir", required=True, metavar="DIR", help="where the files are written")
