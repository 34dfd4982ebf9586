"""A controller whose data planes only remember what they are told: what the tests of reloads share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxy.core.address import parse_address
from proxy.core.config import Backend, Config, Frontend, Pool
from proxy.core.statistics import Life
from proxy.serve.control.controller import Controller
from proxy.serve.orders import Reconfigure

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from proxy.core.reload.listening import ListenChange
    from proxy.core.reload.plan import Plan
    from proxy.serve.listeners import Bound
    from proxy.serve.orders import Order

FIRST, SECOND, THIRD = (f"127.0.0.1:{port}" for port in (9001, 9002, 9003))


def config(*backends: str | Backend, **pool: Any) -> Config:
    """One frontend `web`, one pool `app`."""
    members = tuple(
        Backend(address=parse_address(backend)) if isinstance(backend, str) else backend for backend in backends
    )
    web = Frontend(name="web", listen=(parse_address("127.0.0.1:8080"),), pool="app")
    return Config(frontends={"web": web}, pools={"app": Pool(name="app", backends=members, **pool)})


class Plane:
    """told: all orders, the last one last."""

    def __init__(self) -> None:
        self.told: list[Order] = []

    def send(self, order: Order, sockets: Sequence[socket.socket] = ()) -> None:
        self.told.append(order)

    @property
    def reconfigured(self) -> list[Reconfigure]:
        return [order for order in self.told if isinstance(order, Reconfigure)]


class NoSockets:
    """Nobody listens."""

    def open(self, change: ListenChange, config: Config) -> list[Bound]:
        return []

    def take(self, change: ListenChange, plan: Plan, opened: Sequence[Bound]) -> None:
        pass

    def share(self, opened: Sequence[Bound], plane: object) -> list[Bound]:
        return []


def make(settings: Config, *planes: Plane) -> Controller:
    controller = Controller(settings)
    controller.reloading.sockets = NoSockets()
    controller.lives = lambda: [Life(number=1, pid=1, state="running", since=0.0, starts=1)]
    for plane in planes:
        controller.greet(plane)
        plane.told.clear()
    return controller


async def apply(controller: Controller, settings: Config) -> None:
    await controller.apply(settings)
