"""Where programs are: systemd starts nothing by a relative path, and has a PATH of its own."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace

from proxy.lab.application import Application, BadApplication

# `python` in a command is the Python that runs us, as everywhere where rproxy starts commands.
SEARCH = os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)))


def located(application: Application) -> Application:
    """The same with absolute paths of its programs. Raises BadApplication for one that is not there."""
    found = {way: (_path(words[0]), *words[1:]) for way, words in application.commands.items()}
    return replace(application, commands=found)


def _path(program: str) -> str:
    path = shutil.which(program, path=SEARCH)
    if path is None:
        raise BadApplication(f"{program}: not found in {SEARCH}")
    return os.path.abspath(path)
