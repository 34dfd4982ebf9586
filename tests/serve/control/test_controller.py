"""What the controller decides, and that everybody is told, once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from proxy.core.address import parse_address
from proxy.core.config import Backend, Config, HealthCheck, Pool
from proxy.serve.control.controller import Controller
from proxy.serve.orders import BackendState, Observed, report_as_json, report_from_json

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from proxy.serve.control.controlled import Controlled
    from proxy.serve.orders import Order

FIRST, SECOND = "127.0.0.1:9001", "127.0.0.1:9002"


class Plane:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[BackendState] = []

    def send(self, order: Order, sockets: Sequence[socket.socket] = ()) -> None:
        assert isinstance(order, BackendState)
        self.told.append(order)


def make() -> tuple[Controller, Controlled, Plane]:
    backends = tuple(Backend(address=parse_address(address)) for address in (FIRST, SECOND))
    check = HealthCheck(rise=2, fall=2)
    controller = Controller(
        Config(frontends={}, pools={"app": Pool(name="app", backends=backends, health_check=check)})
    )
    plane = Plane()
    controller.greet(plane)
    plane.told.clear()
    return controller, controller.pools["app"][FIRST], plane


def test_a_new_plane_is_told_of_every_backend() -> None:
    controller, backend, _ = make()
    controller.set_mode(backend, "draining")
    late = Plane()
    controller.greet(late)
    assert [(state.backend, state.is_draining) for state in late.told] == [(FIRST, True), (SECOND, False)]


def test_probes_flip_the_state_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    controller, backend, plane = make()
    for is_good in (False, False, False, True, True, True):
        controller.probed(backend, is_good=is_good, reason="connect-refused")
    assert [state.is_healthy for state in plane.told] == [False, True]
    texts = [f"app: backend {FIRST} is unhealthy: connect-refused", f"app: backend {FIRST} is healthy"]
    assert [record.getMessage() for record in caplog.records] == texts == [event.text for event in controller.events]


def test_what_a_data_plane_meets_takes_a_backend_out_and_probes_bring_it_back() -> None:
    controller, backend, plane = make()
    controller.observed(Observed("app", FIRST, "connect-failed", "connect-refused"))
    assert (backend.condition, backend.reason) == ("unhealthy", "connect-refused")
    controller.probed(backend, is_good=True)
    controller.probed(backend, is_good=True)
    assert (backend.condition, backend.reason) == ("ready", "")
    assert [state.is_healthy for state in plane.told] == [False, True]


def test_a_report_on_a_backend_that_is_gone_changes_nothing() -> None:
    controller, _, plane = make()
    controller.observed(Observed("app", "127.0.0.1:1", "connect-failed"))
    controller.observed(Observed("gone", FIRST, "connect-failed"))
    assert not plane.told


def test_the_operator_drains_and_weighs() -> None:
    controller, backend, plane = make()
    controller.set_mode(backend, "draining")
    controller.set_mode(backend, "draining")
    controller.set_mode(backend, "enabled")
    controller.set_weight(backend, 7)
    controller.set_weight(backend, None)
    assert [(state.is_draining, state.weight) for state in plane.told] == [
        (True, 1),
        (False, 1),
        (False, 7),
        (False, 1),
    ]


def test_a_report_survives_the_way_through_json() -> None:
    report = Observed("app", FIRST, "connect-failed", "connect-refused")
    assert report_from_json(report_as_json(report)) == report


@pytest.mark.parametrize("fields", [{}, {"kind": "BackendState"}, {"kind": "Observed"}, {"kind": "Drained", "x": 1}])
def test_what_is_no_report_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"no report|validation error"):
        report_from_json(fields)
