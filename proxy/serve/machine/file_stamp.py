"""Whether a file is still the one that was read."""

from __future__ import annotations

import os

Stamp = tuple[int, ...]


def stamp_of(path: str) -> Stamp | None:
    """Of the file behind the name: certbot changes symbolic links, editors and deployments rename a new file over the
    old. Two that are equal were not written to in between; None while there is none. 2 us."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_dev, status.st_ino, status.st_size
