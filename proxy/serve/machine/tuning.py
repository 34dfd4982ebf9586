"""What a process that serves clients asks of Python and of the system, once."""

from __future__ import annotations

import gc
import logging
import resource

log = logging.getLogger("rproxy")


def tune_garbage_collection() -> None:
    """Nothing on the hot path makes cycles, so that the collector only finds what lives on: 10,000 sessions cost 5 ms
    a round. What exists at the start is never looked at again, and the rest a hundredth as often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(70_000, 20, 50)


def raise_descriptor_limit() -> None:
    """Two descriptors a session; many systems allow 1,024 softly and far more on request. Children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            log.warning("the limit of %d open files could not be raised to %d", soft, hard)
