"""What a check found: what is so, why it matters, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["problem", "warning", "note"]

STATUSES: dict[Level, int] = {"problem": 2, "warning": 1, "note": 0}  # exit statuses, the worst one counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """level: a "problem" keeps something from working now, a "warning" will under load or when something fails, a
    "note" is worth knowing. where: the part of the configuration or of the machine. fix: commands, or lines for the
    configuration, any one after another; a line that begins with # explains the next.
    """

    level: Level
    where: str
    what: str
    why: str
    fix: tuple[str, ...]


def sysctl_fix(name: str, value: object) -> tuple[str, ...]:
    """Now, and after the next boot."""
    return (
        f"sysctl -w {name}='{value}'" if " " in str(value) else f"sysctl -w {name}={value}",
        f"echo '{name} = {value}' >> /etc/sysctl.d/60-rproxy.conf    # so that it stays",
    )
