"""Unit files of an application say what they start; test_units.py has systemd read and start them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from proxy.lab.application import SAMPLE, Application
from proxy.lab.emit.located import located
from proxy.lab.emit.unit_files import Place
from proxy.lab.emit.worker_units import accept, reuseport, single, socket_instances, socket_one, socket_shared

if TYPE_CHECKING:
    from proxy.lab.emit.worker_units import Units

PLACE = Place("app", "127.0.0.1:8000", os.getcwd())
APPLICATION = located(SAMPLE)
ALL = {
    "single": single(APPLICATION, PLACE, "127.0.0.1", 8000),
    "reuseport": reuseport(APPLICATION, PLACE, 2, "127.0.0.1", 8000),
    "reuseport, systemd's own limits": reuseport(APPLICATION, PLACE, 2, "127.0.0.1", 8000, "defaults"),
    "a socket each": socket_instances(APPLICATION, PLACE, 2),
    "one socket for all": socket_shared(APPLICATION, PLACE, 2),
    "one socket for one": socket_one(APPLICATION, PLACE),
    "a process per connection": accept(APPLICATION, PLACE),
}


@pytest.mark.parametrize("name", ALL)
def test_the_target_starts_what_is_to_be_started(name: str) -> None:
    units = ALL[name]
    assert f"Wants={' '.join(units.start)}\n" in units.files["app.target"]


def test_a_worker_is_its_service_and_what_it_alone_needs() -> None:
    assert ALL["reuseport"].of(2) == ["app@2.service"]
    assert ALL["a socket each"].of(2) == ["app@2.socket", "app@2.service"]
    assert ALL["one socket for one"].of(1) == ["app.service"]
    assert ALL["a process per connection"].of(1) == []


def lines(units: Units, file: str) -> list[str]:
    return units.files[file].splitlines()


def test_what_is_sane_is_more_than_restart_always() -> None:
    sane, plain = (lines(ALL[name], "app@.service") for name in ("reuseport", "reuseport, systemd's own limits"))
    assert "Restart=always" in sane
    assert "Restart=always" in plain
    assert "StartLimitIntervalSec=0" in sane
    assert not [line for line in plain if line.startswith(("StartLimit", "RestartSec"))]


def test_a_user_is_named_where_there_is_one() -> None:
    application = Application("x", {"port": ("/bin/x", "{port}")})
    assert "User=app" in lines(single(application, Place("app", "", "/srv", "app"), "127.0.0.1", 8000), "app.service")
    assert "User" not in single(application, Place("app", "", "/srv"), "127.0.0.1", 8000).files["app.service"]
