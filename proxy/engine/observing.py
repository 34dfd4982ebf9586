"""What sessions see of backends: failures in a row, counted until they are worth a report to the controller.

A success costs a look at a number that is 0, 35 ns of some 18 us that an exchange takes; all else is for failures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from proxy.core.pool import Pool
from proxy.engine.backend import LiveBackend

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core import config

Sight = Literal["connect-failed", "failed", "answered"]
# 501 and 505 are about the request, whoever answers it.
FAILURES = frozenset({500, 502, 503, 504})


class ObservingPool(Pool[LiveBackend]):
    """config: whose `ejection` says how many failures in a row are worth a report.

    report: called with a backend, what was seen of it and the last reason; it may change the backend's state at once.
    """

    config: config.Pool
    report: Callable[[ObservingPool, LiveBackend, Sight, str], None]

    def mark(self, backend: LiveBackend, *, is_healthy: bool) -> bool:
        """The controller's word; whether that was a change. What was counted before one says nothing of what comes."""
        if not self.set_healthy(backend, is_healthy):
            return False
        backend.failed_connects = backend.failed_answers = 0
        return True

    def connected(self, backend: LiveBackend) -> None:
        """A new connection to it works."""
        backend.failed_connects = 0

    def connect_failed(self, backend: LiveBackend, reason: str) -> None:
        """No connection came about, and that is the backend's illness.

        Where nobody is tried when all are down, the last one that is healthy never is taken out by this: it costs
        nothing to try it, and it may be back.
        """
        settings = self.config
        if settings.when_all_down == "refuse" and not self._has_others(backend):
            return
        backend.failed_connects += 1
        enough = settings.ejection.connect_failures
        if enough and backend.failed_connects % enough == 0:  # again, because the report may have changed nothing
            self.report(self, backend, "connect-failed", reason)

    def _has_others(self, backend: LiveBackend) -> bool:
        return any(other.is_healthy and not other.is_draining for other in self.backends if other is not backend)

    def answer_failed(self, backend: LiveBackend, reason: str) -> None:
        """It took a request and did not answer, or with a failure. Worth a report while another's last answer was a
        good one. Else all share a fault, and to eject the first of them to reach the number would help nobody.
        """
        backend.failed_answers += 1
        if not reason.isdecimal():  # statuses are counted as what they are
            backend.failures[reason] += 1
        enough = self.config.ejection.failures
        if enough and backend.failed_answers % enough == 0 and self._does_another_do_well(backend):
            self.report(self, backend, "failed", reason)

    def _does_another_do_well(self, backend: LiveBackend) -> bool:
        return any(not other.failed_answers and other.is_healthy and not other.is_draining and other is not backend
                   for other in self.backends)  # fmt: skip

    def answered(self, backend: LiveBackend) -> None:
        """A good answer after failures. Callers look at `failed_answers` first."""
        was_reported = 0 < self.config.ejection.failures <= backend.failed_answers
        backend.failed_answers = 0
        if was_reported:
            self.report(self, backend, "answered", "")
