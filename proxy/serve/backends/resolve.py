"""Host names of backends: resolved at start and again later, because a name that is unknown now may be known soon."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any

import trio

from proxy.core.address import TcpAddress
from proxy.engine.backend import is_numeric
from proxy.serve.backends.each import care_for_each

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.serve.control.controlled import Controlled
    from proxy.serve.control.controller import Controller

log = logging.getLogger("rproxy.resolve")

Candidate = tuple[socket.AddressFamily, Any]  # an address as getaddrinfo gives it

REFRESH = 30.0  # seconds between look-ups of a name that resolved
TRY = 1.0  # seconds for a connect to one of several addresses
RETRY = 2.0  # seconds until one that did not is tried again


async def keep_resolving(controller: Controller) -> None:
    """Until cancelled."""
    await care_for_each(controller, _keep_resolved, only=_has_name)


def _has_name(backend: Controlled) -> bool:
    address = backend.settings.address
    return isinstance(address, TcpAddress) and not is_numeric(address.host)


async def resolve_all(backends: Iterable[Controlled]) -> None:
    """Names of backends that nobody has been told of yet, so that no work meets one whose address is not known. May be
    cancelled; who is not resolved by then is resolved later."""
    async with trio.open_nursery() as nursery:
        for backend in filter(_has_name, backends):
            nursery.start_soon(_resolve, backend)


async def _resolve(backend: Controlled) -> None:
    try:
        family, sockaddr = await _look_up(backend)
    except OSError:
        return  # it will be said when it is tried again
    backend.target.resolved(family, sockaddr)


async def _look_up(backend: Controlled) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Raises OSError."""
    address = backend.settings.address
    assert isinstance(address, TcpAddress)
    found = await trio.socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    family, sockaddr = await _first_that_answers([(family, address) for family, _, _, _, address in found])
    return family, (str(sockaddr[0]), int(sockaddr[1]))


async def _keep_resolved(controller: Controller, backend: Controlled) -> None:
    is_known = True
    while True:
        try:
            family, sockaddr = await _look_up(backend)
        except OSError as error:
            if is_known:
                log.warning("%s cannot be resolved: %s; trying again every %g s", backend.name, error, RETRY)
            is_known = False
        else:
            controller.resolved(backend, family, sockaddr)
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
