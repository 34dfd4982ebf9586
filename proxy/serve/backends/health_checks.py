"""Active health checks: a connect, or a GET, to every backend that asks for them and to every one that is unhealthy."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import trio

from proxy.core.client.peer import Peer
from proxy.core.config import HealthCheck
from proxy.engine.greeting import GreetedBackend
from proxy.engine.tls.backend_tls import handshake_failed

if TYPE_CHECKING:
    from proxy.engine.backend import LiveBackend
    from proxy.serve.controlled import Controlled
    from proxy.serve.controller import Controller

log = logging.getLogger("rproxy.health")


async def run(controller: Controller) -> None:
    """Until cancelled."""
    async with trio.open_nursery() as nursery:
        for backend in controller.backends():
            nursery.start_soon(_watch, controller, backend)


async def _watch(controller: Controller, backend: Controlled) -> None:
    """A backend without checks leaves service when connects to it fail; it comes back when a connect works."""
    check = backend.pool.health_check
    settings = check or HealthCheck()
    while True:
        if check or not backend.health.is_healthy:
            controller.probed(backend, is_good=await probe(backend.target, settings))
        await trio.sleep(settings.interval)


async def probe(backend: LiveBackend, check: HealthCheck) -> bool:
    """One check: whether the backend takes a connection and, where a path is given, answers it with 2xx or 3xx."""
    if backend.sockaddr is None:
        return False
    is_good = False
    with trio.move_on_after(check.timeout), trio.socket.socket(backend.family, socket.SOCK_STREAM) as sock:
        try:
            await sock.connect(backend.sockaddr)
            if isinstance(backend, GreetedBackend):
                await trio.SocketStream(sock).send_all(backend.greeting_of_probe(_ends_of(sock)))
            stream = await _begin_tls(sock, backend) if backend.tls else trio.SocketStream(sock)
            is_good = True if check.path is None else await _is_answered(stream, check.path)
        except (OSError, trio.BrokenResourceError):
            return False
    return is_good


def _ends_of(sock: trio.socket.SocketType) -> Peer:
    """This connection as the backend sees it: we are the client."""
    ours, theirs = sock.getsockname(), sock.getpeername()
    return Peer(*ours[:2], *theirs[:2]) if isinstance(ours, tuple) else Peer()


async def _begin_tls(sock: trio.socket.SocketType, backend: LiveBackend) -> trio.abc.Stream:
    """A fault is logged when it is another than at the last probe: a wrong certificate has its reason there only."""
    tls = backend.tls
    assert tls is not None
    stream = trio.SSLStream(trio.SocketStream(sock), tls.context, server_hostname=tls.server_name)
    fault = ""
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError as error:
        cause = error.__cause__
        fault = str(handshake_failed(cause, backend) if isinstance(cause, OSError) else error)
        raise
    finally:
        if fault and fault != tls.fault:
            log.warning("probe of %s: %s", backend.name, fault)
        tls.fault = fault
    return stream


async def _is_answered(stream: trio.abc.Stream, path: str) -> bool:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: rproxy-health-check\r\nConnection: close\r\n\r\n"
    await stream.send_all(request.encode())
    answer = b""
    while b"\r\n" not in answer and len(answer) < 1024:
        data = await stream.receive_some(1024)
        if not data:
            return False
        answer += data
    return answer[:7] == b"HTTP/1." and answer[9:10] in (b"2", b"3")
