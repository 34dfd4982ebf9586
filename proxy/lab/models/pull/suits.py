"""Which applications can be asked by a worker that pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.models.model import Missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.application import Application


def ways_missing(application: Application) -> Sequence[Missing]:
    """Each worker has a process of the application to itself, on a socket or a port of its own."""
    if application.takes("socket") or application.takes("port"):
        return ()
    return (Missing("the application takes no socket and no port", "--app 'COMMAND {socket}'"),)
