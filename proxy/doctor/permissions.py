"""What another user may do with a file, from its owner, group and mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from proxy.doctor.machine import User

READ, WRITE, SEARCH = 4, 2, 1  # of a triplet of permissions


def may(user: User, path: Path, wanted: int) -> bool:
    """By owner, group and others, as path_resolution(7) has it. What is not there, or cannot be seen, is not judged;
    access control lists are not read, and their mask stands in the group's place."""
    found = stat_of(path)
    if user.uid == 0 or found is None:
        return True
    shift = 6 if found.st_uid == user.uid else 3 if found.st_gid in user.gids else 0
    return bool(found.st_mode >> shift & wanted)


def first_closed(user: User, path: Path) -> Path | None:
    """The first directory on the way to `path` that the user may not enter."""
    return next((above for above in reversed(path.parents) if not may(user, above, SEARCH)), None)


def stat_of(path: Path) -> os.stat_result | None:
    """None if it is not there, or cannot be seen."""
    try:
        return path.stat()
    except OSError:
        return None
