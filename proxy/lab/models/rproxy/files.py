"""The configuration file of rproxy in the lab, and the command that reads it."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.lab.models.rproxy.backends import Backends

DRAIN = "1s"  # what still runs when the lab ends it is of interest to nobody
_HEAD = f"""\
workers = 1

[frontends.web]
listen = {{listen}}
pool = "app"

[shutdown]
drain = "{DRAIN}"

[admin]
listen = {{admin}}

[pools.app]
balance = "{{balance}}\""""


class Files:
    """target: where rproxy listens. admin: the path of the Unix socket where it tells of itself. count: of workers that
    are configured."""

    def __init__(self, directory: Path, target: str, balance: str, behind: Backends) -> None:
        self.target = target
        self.admin = str(directory / "admin")
        self.behind = behind
        self.count = 0
        self._path = directory / "lb.toml"
        self._balance = balance
        self._round = 0

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "proxy", "--config", str(self._path)]

    @property
    def text(self) -> str:
        quoted = {"listen": json.dumps(self.target), "admin": json.dumps(f"unix:{self.admin}", ensure_ascii=False)}
        tables = self.behind.tables(self.count, self._round)
        return "\n\n".join([_HEAD.format(balance=self._balance, **quoted), *tables]) + "\n"

    def write(self, count: int) -> None:
        """In one step: nobody reads half of it."""
        self.count = count
        part = self._path.with_suffix(".part")
        part.write_text(self.text)
        os.replace(part, self._path)

    def write_next_round(self) -> None:
        """With other commands, so that a reload replaces all processes."""
        self._round += 1
        self.write(self.count)
