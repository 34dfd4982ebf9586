"""Lines as syslog messages (RFC 5424), and as the frames that part them in a stream (RFC 6587)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from proxy.core.access_log.text import Timestamps

if TYPE_CHECKING:
    from proxy.core.access_log.record import Record

LOCAL7 = 23  # the facility that nginx and Apache take
WARNING, INFORMATIONAL = 4, 6


class Format(Protocol):
    """What makes the lines: JsonLines, Combined, or Syslog around one of them."""

    def line(self, record: Record, wall: float) -> str: ...


class Syslog:
    """inner: makes the message of each. is_stream: with its length in front of it, or one could not tell where the next
    begins (RFC 6587 section 3.4.1)."""

    def __init__(self, inner: Format, frontend: str, host: str, pid: int, *, is_stream: bool) -> None:
        self._inner = inner
        self._origin = f"{host} rproxy {pid} {frontend} -"
        self._is_stream = is_stream
        self._timestamps = Timestamps()

    def line(self, record: Record, wall: float) -> str:
        priority = LOCAL7 * 8 + (WARNING if record[4][4] >= 500 else INFORMATIONAL)
        time = self._timestamps.rfc3339(record[3][6] + wall)
        message = f"<{priority}>1 {time} {self._origin} {self._inner.line(record, wall).removesuffix(chr(10))}"
        return f"{len(message)} {message}" if self._is_stream else message
