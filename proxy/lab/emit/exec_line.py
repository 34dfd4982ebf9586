"""A command as systemd reads it in ExecStart= (systemd.service(5), COMMAND LINES)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.application import Application, Way

_BARE = re.compile(r"[A-Za-z0-9_@%+=:,./{}$-]+")
_WORKER = "{worker}"


def exec_line(words: Sequence[str]) -> str:
    """What systemd takes for exactly these words. Raises ValueError for a control character, which no file should
    have."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if any(ord(character) < ord(" ") for character in word):
        raise ValueError(f"a control character in {word!r}")
    word = word.replace("%", "%%").replace("$", "$$")
    if _BARE.fullmatch(word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def instance_line(application: Application, way: Way, **values: str | int) -> str:
    """The command of a template unit, whose workers are numbered by the name of the instance. values: as
    `Application.command` takes them; those that depend on the worker have {worker} in them."""
    words = application.command(way, worker=_WORKER, **values)  # type: ignore[arg-type]
    return exec_line(words).replace(_WORKER, "%i")


def single_line(application: Application, way: Way, **values: str | int) -> str:
    """The command of a unit without instances."""
    return exec_line(application.command(way, worker=1, **values))  # type: ignore[arg-type]
