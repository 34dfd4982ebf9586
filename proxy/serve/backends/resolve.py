"""Host names of backends: resolved at start and again later, because a name that is unknown now may be known soon."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any

import trio

from proxy.core.address import TcpAddress

if TYPE_CHECKING:
    from proxy.serve.controlled import Controlled
    from proxy.serve.controller import Controller

log = logging.getLogger("rproxy.resolve")

Candidate = tuple[socket.AddressFamily, Any]  # an address as getaddrinfo gives it

REFRESH = 30.0  # seconds between look-ups of a name that resolved
TRY = 1.0  # seconds for a connect to one of several addresses
RETRY = 2.0  # seconds until one that did not is tried again


async def keep_resolving(controller: Controller) -> None:
    """Until cancelled; returns at once if every address is numeric."""
    async with trio.open_nursery() as nursery:
        for backend in controller.backends():
            if backend.target.sockaddr is None:
                nursery.start_soon(_keep_resolved, controller, backend)


async def _keep_resolved(controller: Controller, backend: Controlled) -> None:
    address = backend.settings.address
    assert isinstance(address, TcpAddress)
    is_known = True
    while True:
        try:
            found = await trio.socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        except OSError as error:
            if is_known:
                log.warning("%s cannot be resolved: %s; trying again every %g s", backend.name, error, RETRY)
            is_known = False
        else:
            family, sockaddr = await _first_that_answers([(family, address) for family, _, _, _, address in found])
            controller.resolved(backend, family, (str(sockaddr[0]), int(sockaddr[1])))
            if not is_known:
                log.info("%s is %s now", backend.name, sockaddr[0])
            is_known = True
        await trio.sleep(REFRESH if is_known else RETRY)


async def _first_that_answers(candidates: list[Candidate]) -> Candidate:
    """`localhost` is ::1 and 127.0.0.1, and most servers listen on one of them. The first if none answers."""
    for family, address in candidates:
        with trio.move_on_after(TRY), trio.socket.socket(family, socket.SOCK_STREAM) as sock:
            try:
                await sock.connect(address)
            except OSError:
                continue
            return family, address
    return candidates[0]
