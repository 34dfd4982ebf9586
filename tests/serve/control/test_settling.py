"""What data planes hear, and when: each backend once, behind all that follows for its pool."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from proxy.core.address import parse_address
from proxy.core.config import Backend, Config, Ejection, Pool
from proxy.serve.control.controller import Controller
from proxy.serve.orders import BackendState, Observed

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from proxy.serve.control.controlled import Controlled
    from proxy.serve.orders import Order

NAMES = ("127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003")


class Plane:
    """healthy: as of what it was told last. told: since `take` was called last, who and whether healthy."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool, int]] = []

    def send(self, order: Order, sockets: Sequence[socket.socket] = ()) -> None:
        assert isinstance(order, BackendState)
        self.told.append((order.backend, order.is_healthy, order.weight))

    def take(self) -> list[tuple[str, bool, int]]:
        told, self.told = self.told, []
        return told


class Bench:
    """A controller of three backends, with a clock of its own."""

    def __init__(self, **settings: Any) -> None:
        self.now = 0.0
        backends = tuple(Backend(address=parse_address(name)) for name in NAMES)
        pool = Pool(name="app", backends=backends, **settings)
        self.controller = Controller(Config(frontends={}, pools={"app": pool}), lambda: self.now)
        self.plane = Plane()
        self.controller.greet(self.plane)
        self.plane.take()

    def backend(self, number: int) -> Controlled:
        return self.controller.pools["app"][NAMES[number]]

    def connect_failed(self, number: int) -> None:
        self.controller.observed(Observed("app", NAMES[number], "connect-failed", "connect-refused"))

    def failed(self, number: int) -> None:
        self.controller.observed(Observed("app", NAMES[number], "failed", "500"))

    def look(self) -> float:
        return self.controller.settling.look_at_clock()


def test_the_last_one_is_never_told_to_be_down_where_all_are_tried() -> None:
    bench = Bench()
    bench.connect_failed(0)
    bench.connect_failed(1)
    assert bench.plane.take() == [(NAMES[0], False, 1), (NAMES[1], False, 1)]
    bench.connect_failed(2)
    assert sorted(bench.plane.take()) == [(name, True, 1) for name in NAMES]
    assert [bench.backend(number).condition for number in range(3)] == ["unhealthy"] * 3
    bench.controller.probed(bench.backend(1), is_good=True)
    assert sorted(bench.plane.take()) == [(NAMES[0], False, 1), (NAMES[1], True, 1), (NAMES[2], False, 1)]


def test_or_is_where_they_are_not() -> None:
    bench = Bench(when_all_down="refuse")
    for number in range(3):
        bench.connect_failed(number)
    assert bench.plane.take() == [(name, False, 1) for name in NAMES]


def test_that_nobody_is_left_is_noted_once_each_time() -> None:
    bench = Bench()

    def notes() -> int:
        return sum("no backend is healthy" in event.text for event in bench.controller.events)

    for _ in range(2):
        for number in range(3):
            bench.connect_failed(number)
        for number in range(3):
            bench.controller.probed(bench.backend(number), is_good=True)
    assert notes() == 2


def test_an_outlier_is_out_for_its_time() -> None:
    bench = Bench(ejection=Ejection(first_time=10.0, failures=5))
    bench.failed(1)
    assert bench.plane.take() == [(NAMES[1], False, 1)]
    assert (bench.backend(1).condition, bench.backend(1).reason) == ("ejected", "500, 5 in a row; for 10 s")
    assert bench.look() == 10.0
    bench.now = 10.0
    assert bench.look() == math.inf
    assert bench.plane.take() == [(NAMES[1], True, 1)]
    assert (bench.backend(1).condition, bench.backend(1).reason) == ("ready", "")
    bench.failed(1)
    assert bench.look() == 30.0


def test_who_failed_with_the_others_is_ejected_when_one_of_them_does_well_again() -> None:
    bench = Bench(ejection=Ejection(max_percent=34))
    for number in range(3):
        bench.backend(number).ejection.failed("500", 0.0)
    bench.controller.settling.settle("app")
    assert bench.plane.take() == []
    bench.controller.observed(Observed("app", NAMES[2], "answered"))
    assert bench.plane.take() == [(NAMES[0], False, 1)]


def test_one_that_ramps_changes_what_all_are_told() -> None:
    bench = Bench(slow_start=20.0)
    bench.connect_failed(0)
    bench.plane.take()
    bench.controller.probed(bench.backend(0), is_good=True)
    assert sorted(bench.plane.take()) == [(NAMES[0], True, 1), (NAMES[1], True, 20), (NAMES[2], True, 20)]
    bench.now = 10.0
    assert bench.look() == 11.0
    assert bench.plane.take() == [(NAMES[0], True, 10)]
    bench.now = 20.0
    assert bench.look() == math.inf
    assert sorted(bench.plane.take()) == [(name, True, 1) for name in NAMES]
