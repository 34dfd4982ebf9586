"""The semaphores of limited backends in one process: opened by a share, closed behind their last user."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core.workers.share import BackendName, Share


class Semaphores:
    """Descriptors by backend. One of a former share is still used by a pool that ends its work, while a new pool of
    that name may have another."""

    def __init__(self) -> None:
        self._current: dict[BackendName, int] = {}
        self._users: Counter[int] = Counter()

    def adopt(self, share: Share, descriptors: Sequence[int]) -> None:
        """Takes the descriptors over; they are for `share.semaphores`."""
        for name in [name for name in self._current if name not in share.limited]:
            self._close_unless_used(self._current.pop(name))
        for name, descriptor in zip(share.semaphores, descriptors, strict=True):
            if name in self._current:
                os.close(descriptor)
            else:
                self._current[name] = descriptor

    def use(self, name: BackendName) -> int:
        """Raises KeyError for one without a semaphore."""
        descriptor = self._current[name]
        self._users[descriptor] += 1
        return descriptor

    def let_go(self, descriptor: int) -> None:
        """Once for each `use`."""
        self._users[descriptor] -= 1
        self._close_unless_used(descriptor)

    def _close_unless_used(self, descriptor: int) -> None:
        if self._users[descriptor] <= 0 and descriptor not in self._current.values():
            del self._users[descriptor]
            os.close(descriptor)
