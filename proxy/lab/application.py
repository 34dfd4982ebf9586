"""The application that is spread over processes: how it is started, and how connections reach it."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Way = Literal["port", "reuseport", "socket", "fd", "stdio"]
WAYS: tuple[Way, ...] = get_args(Way)
PLACEHOLDERS = ("host", "port", "socket", "fd", "worker")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class BadApplication(ValueError):
    """A command that no model could start; the message says what is wrong with it and shows a good one."""


@dataclass(frozen=True, slots=True)
class Application:
    """commands: the words that start one process, with placeholders, by the way in that they take:

    port       binds {host} and {port}, alone
    reuseport  binds {host} and {port} with SO_REUSEPORT, so that others may too
    socket     binds the Unix socket path {socket}
    fd         accepts from the listening socket that it inherits as descriptor {fd}
    stdio      serves the one connection that is its standard input and output, then ends

    {worker} is the number of the worker, from 1. is_sample: our own; models have variants of it, and it takes
    `?cpu=SECONDS&delay=SECONDS&block=SECONDS&size=BYTES` in every request.
    """

    name: str
    commands: Mapping[Way, tuple[str, ...]] = field(default_factory=dict)
    is_sample: bool = False

    def takes(self, way: Way) -> bool:
        return way in self.commands

    def command(
        self, way: Way, *, worker: int | str, host: str = "127.0.0.1", port: int = 0, socket: str = "", fd: int = -1
    ) -> list[str]:
        """The words. worker: its number, or what somebody else puts it in for: `%i`. KeyError for a way in that it does
        not take."""
        values = {"host": host, "port": str(port), "socket": socket, "fd": str(fd), "worker": str(worker)}
        return [_PLACEHOLDER.sub(lambda match: values[match[1]], word) for word in self.commands[way]]


def _sample(module: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"backends.{module}", "--name", "worker-{worker}", *words)


SAMPLE = Application(
    "backends.hello",
    {
        "port": _sample("hello", "--listen", "{host}:{port}"),
        "reuseport": _sample("hello", "--listen", "{host}:{port}", "--reuseport"),
        "socket": _sample("hello", "--listen", "unix:{socket}"),
        "fd": _sample("hello", "--fd", "{fd}"),
        "stdio": _sample("inetd"),
    },
    is_sample=True,
)


def parse_application(
    commands: Sequence[str], *, reuseport: Sequence[str] = (), stdio: Sequence[str] = ()
) -> Application:
    """From command lines as a shell splits them. commands: each says by its placeholders which way in it takes.
    reuseport: those that set SO_REUSEPORT themselves; they serve as "port" too. stdio: those without placeholders.

    Raises BadApplication.
    """
    found: dict[Way, tuple[str, ...]] = {}
    for text in commands:
        found[_way_of(text)] = _words(text, None)
    for text in reuseport:
        found["reuseport"] = _words(text, {"port"})
        found.setdefault("port", found["reuseport"])
    for text in stdio:
        found["stdio"] = _words(text, set())
    if not found:
        raise BadApplication("no command: --app 'uvicorn app:app --uds {socket}'")
    return Application(_name(next(iter(found.values()))), found)


def _words(text: str, needed: set[str] | None) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise BadApplication(f"{text!r}: {error}") from None
    if not words:
        raise BadApplication("an empty command")
    names = _names(text)
    if unknown := sorted(names - set(PLACEHOLDERS)):
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise BadApplication(f"{text!r}: {{{unknown[0]}}} is no placeholder; there are {known}")
    if needed is not None and not needed <= names:
        raise BadApplication(f"{text!r}: {{{min(needed - names)}}} is missing")
    return words


def _way_of(text: str) -> Way:
    names = _names(text)
    ways: list[Way] = [way for way in ("socket", "fd", "port") if way in names]
    if len(ways) != 1:
        what = "more than one of them" if ways else "none of them"
        raise BadApplication(
            f"{text!r}: a command says by {{port}}, {{socket}} or {{fd}} where it listens, and this one has {what}. "
            "Give several --app, one for each way that the application can be started"
        )
    return ways[0]


def _names(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def _name(words: Sequence[str]) -> str:
    """What to call it in a report: without the Python before it, with its first argument."""
    rest = list(words)
    if rest[0].rpartition("/")[2].startswith("python"):
        rest = [word for word in rest[1:] if word != "-m"]
    return " ".join([word.rpartition("/")[2] for word in rest[:2] if not word.startswith(("-", "{"))]) or words[0]
