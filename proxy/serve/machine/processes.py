"""Who holds which sockets: found in /proc, where that can be read."""

from __future__ import annotations

import os
import pwd
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Process:
    """name: as the kernel shortens it. command: its words, empty for a kernel thread. uid: whose it is."""

    pid: int
    name: str
    command: tuple[str, ...]
    uid: int

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid}, user {user_name(self.uid)})"

    @property
    def is_rproxy(self) -> bool:
        """Started as `rproxy …`, `python …/rproxy …` or `python -m proxy …`."""
        words = self.command
        return any(os.path.basename(word) == "rproxy" for word in words[:2]) or words[1:3] == ("-m", "proxy")


def holders(inodes: Iterable[int]) -> dict[int, list[Process]]:
    """The processes that have each of these sockets open, by pid; what other users hold only root is told.

    One walk through /proc for all of them: 10 ms for 300 processes.
    """
    wanted = set(inodes)
    found: dict[int, list[Process]] = defaultdict(list)
    for pid in sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit()):
        held = wanted & sockets_held_by(pid)
        if held and (process := process_of(pid)):
            for inode in held:
                found[inode].append(process)
    return found


def process_of(pid: int) -> Process | None:
    """None when it has ended."""
    base = Path(f"/proc/{pid}")
    try:
        words = (base / "cmdline").read_bytes().rstrip(b"\0").decode(errors="replace").split("\0")
        return Process(pid, (base / "comm").read_text().strip(), tuple(filter(None, words)), base.stat().st_uid)
    except OSError:
        return None


def sockets_held_by(pid: int) -> set[int]:
    """Their inodes; none if it has ended, or is another user's."""
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            return set(_inodes(entry.path for entry in entries))
    except OSError:
        return set()


def _inodes(paths: Iterable[str]) -> Iterator[int]:
    for path in paths:
        try:
            link = os.readlink(path)
        except OSError:
            continue  # closed meanwhile
        if link.startswith("socket:["):
            yield int(link[8:-1])


def user_name(uid: int) -> str:
    """The number itself when no name is known."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
