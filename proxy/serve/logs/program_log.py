"""The program's own log: lines on standard error, of every process of ours."""

from __future__ import annotations

import logging
import sys


def start_logging(level: int | str, worker: int = 0) -> None:
    """worker: its number, which its lines say; 0 for the process that has none."""
    who = f"worker {worker}: " if worker else ""
    logging.basicConfig(
        level=level,
        stream=sys.stderr,
        format=f"%(asctime)s.%(msecs)03d %(levelname)-7s {who}%(message)s",
        datefmt="%H:%M:%S",
        force=True,
    )
