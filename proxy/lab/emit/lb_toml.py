"""The lb.toml of rproxy in front of an application that it starts and looks after. Pure: text from what is wanted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from proxy.lab.application import Application

Front = Literal["proxy-tcp", "proxy-unix", "proxy-reuseport"]
Balance = Literal["least-connections", "round-robin"]


LISTEN = "127.0.0.1:8080"
DIRECTORY = "/run/rproxy"
FIRST_PORT = 9001


def lb_toml(
    application: Application,
    front: Front,
    balance: Balance,
    workers: int,
    *,
    listen: str = LISTEN,
    directory: str = DIRECTORY,
    first_port: int = FIRST_PORT,
) -> str:
    """A whole file. The application takes the way in that `front` needs: "port", "socket" or "reuseport".

    listen: for clients. directory: of Unix sockets; exists and belongs to who runs rproxy. first_port: of backends
    that listen on ports.
    """
    numbers = range(1, workers + 1)
    if front == "proxy-reuseport":
        backends = [_group(application, workers, first_port)]
    elif front == "proxy-unix":
        backends = [_on_socket(application, number, f"{directory}/app-{number}.sock") for number in numbers]
    else:
        backends = [_on_port(application, number, first_port + number - 1) for number in numbers]
    return "\n".join([_HEAD.format(workers=workers, listen=_text(listen), balance=_text(balance)), *backends])


_HEAD = """\
# rproxy starts {workers} processes of the application, restarts those that die, and gives each request to one of them.
#
#   rproxy check lb.toml          is it good, and is all there that it needs
#   rproxy --config lb.toml       serve; SIGHUP takes changes of this file over, without losing a request

[frontends.web]
listen = {listen}     # "0.0.0.0:8080" serves other machines too
pool = "app"

[pools.app]
balance = {balance}
"""


def _on_socket(application: Application, number: int, path: str) -> str:
    return _entry(f"unix:{path}", application.command("socket", worker=number, socket=path))


def _on_port(application: Application, number: int, port: int) -> str:
    return _entry(f"127.0.0.1:{port}", application.command("port", worker=number, port=port))


def _group(application: Application, members: int, port: int) -> str:
    """rproxy has one command for all members, in which {member} is what {worker} is here."""
    words = application.command("reuseport", worker="{member}", port=port)
    return _entry(f"127.0.0.1:{port}", words) + f"members = {members}\n"


def _entry(address: str, words: list[str]) -> str:
    return f"[[pools.app.backends]]\naddress = {_text(address)}\ncommand = [{', '.join(map(_text, words))}]\n"


def _text(value: str) -> str:
    """As a TOML string: what JSON escapes, TOML escapes in the same way, but for DEL, which no command has."""
    return json.dumps(value, ensure_ascii=False)
