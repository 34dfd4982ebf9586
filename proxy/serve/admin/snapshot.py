"""The statistics as JSON, made once for all who ask at the same time."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import trio
from pydantic import TypeAdapter

from proxy.core.statistics import Statistics

if TYPE_CHECKING:
    from proxy.serve.control.controller import Controller

FRESH = 0.25  # seconds; data planes tell what they count twice a second


class Snapshots:
    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._json = b""
        self._made_at = -FRESH

    def json(self) -> bytes:
        """At most FRESH old."""
        now = trio.current_time()
        if now - self._made_at >= FRESH:
            self._json = _adapter().dump_json(self._controller.statistics())
            self._made_at = now
        return self._json


@cache
def _adapter() -> TypeAdapter[Statistics]:
    return TypeAdapter(Statistics)
