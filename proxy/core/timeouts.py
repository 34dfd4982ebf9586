"""The shortest of all timeouts that a session's deadline may be set from: how often deadlines have to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config


def shortest_timeout(config: Config) -> float:
    """Seconds."""
    return min(_timeouts(config), default=1.0)


def _timeouts(config: Config) -> Iterator[float]:
    for frontend in config.frontends.values():
        t = frontend.timeouts
        yield from (t.request_head, t.request_body, t.keep_alive, t.idle, t.tls_handshake, t.send, t.exchange or t.idle)
        yield t.proxy_header
    for pool in config.pools.values():
        p = pool.timeouts
        yield from (p.connect, p.response_head, p.response_body, p.queue, p.send)
