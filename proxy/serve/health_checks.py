"""Active health checks: a connect, or a GET, to every backend that asks for them and to every one that is unhealthy."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import trio

from proxy.core.config import HealthCheck

if TYPE_CHECKING:
    from proxy.engine.backend import LiveBackend
    from proxy.engine.frontend import LivePool


async def run(pools: dict[str, LivePool]) -> None:
    """Until cancelled."""
    async with trio.open_nursery() as nursery:
        for pool in pools.values():
            for backend in pool.backends:
                nursery.start_soon(_watch, pool, backend)


async def _watch(pool: LivePool, backend: LiveBackend) -> None:
    """A backend without checks leaves service when connects to it fail; it comes back when a connect works."""
    check = pool.config.health_check
    settings = check or HealthCheck()
    while True:
        if check or not backend.is_healthy:
            pool.observe(backend, await probe(backend, settings))
        await trio.sleep(settings.interval)


async def probe(backend: LiveBackend, check: HealthCheck) -> bool:
    """One check: whether the backend takes a connection and, where a path is given, answers it with 2xx or 3xx."""
    if backend.sockaddr is None:
        return False
    is_good = False
    with trio.move_on_after(check.timeout), trio.socket.socket(backend.family, socket.SOCK_STREAM) as sock:
        try:
            await sock.connect(backend.sockaddr)
            is_good = True if check.path is None else await _is_answered(trio.SocketStream(sock), check.path)
        except OSError:
            return False
    return is_good


async def _is_answered(stream: trio.SocketStream, path: str) -> bool:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: rproxy-health-check\r\nConnection: close\r\n\r\n"
    await stream.send_all(request.encode())
    answer = b""
    while b"\r\n" not in answer and len(answer) < 1024:
        data = await stream.receive_some(1024)
        if not data:
            return False
        answer += data
    return answer[:7] == b"HTTP/1." and answer[9:10] in (b"2", b"3")
