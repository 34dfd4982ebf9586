"""Access logs for tests: a frontend with one, and the lines that it wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from proxy.core.config import AccessLog, LogFile

if TYPE_CHECKING:
    from pathlib import Path

PHASES = ("read", "pick", "dial", "write", "answer")


class Log:
    """settings: for `config(frontend=...)`. What was not written before is there when the proxy's block has ended."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.path = directory / "access.log"
        self.settings = {"access_log": AccessLog(to=LogFile(str(self.path)), **settings)}

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Checked for what is true of every line."""
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        for line in lines:
            *spans, total = line["us"].values()
            assert sum(spans) == total, line
            assert min(spans) >= 0, line
        return lines

    @property
    def line(self) -> dict[str, Any]:
        """The only one."""
        lines = self.lines
        assert len(lines) == 1, lines
        return lines[0]
