"""How much memory processes take, with what they share counted once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class NotTold(Exception):
    """The kernel does not say: the processes are another user's."""


def proportional_set_size(pids: Iterable[int]) -> int:
    """Bytes of all together: of a page that several processes have mapped, each of them is given its part, so that the
    sum over all of them has it once (smaps_rollup in proc(5)). Those that have ended take nothing. Raises NotTold."""
    return sum(map(_of_one, pids))


def _of_one(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except PermissionError as error:
        raise NotTold(f"the memory of process {pid} can be read by its user only") from error
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
