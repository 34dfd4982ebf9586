"""Unix sockets in real directories: what is there, and who may do what with it."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

import pytest

from proxy.doctor.checks.unix_sockets import check
from proxy.doctor.machine import Machine, User
from proxy.doctor.probe import Probe
from tests.clients.support import short_directory
from tests.doctor.support import config, listening, only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proxy.core.config import Config

ME = User(os.getuid() or 4242, frozenset({os.getgid() or 4242}), "me")
OTHER = User(54321, frozenset({54321}), "other")


@pytest.fixture
def place() -> Iterator[Path]:
    """Where everybody may enter."""
    with short_directory() as directory:
        directory.chmod(0o755)
        yield directory


def web(path: Path, rest: str = "") -> Config:
    return config(web=f'listen = "unix:{path}"\n{rest}')


def app(path: Path) -> Config:
    return config(app=f'backends = ["unix:{path}"]')


def make_socket(path: Path, mode: int = 0o666) -> None:
    """One that nobody listens on."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
    path.chmod(mode)


def test_a_frontend_in_order(place: Path) -> None:
    assert not list(check(web(place / "s"), Machine()))
    make_socket(place / "s")
    assert not list(check(web(place / "s"), Machine(listening=(listening(f"unix:{place}/s"),))))
    assert not list(check(config(web='listen = "unix:@abstract"'), Machine()))


def test_a_directory_that_is_missing(place: Path) -> None:
    finding = only(check, web(place / "no" / "s"), Machine())
    assert finding.level == "problem"
    assert f"mkdir -p {place}/no" in finding.fix


def test_a_directory_for_everybody(place: Path) -> None:
    place.chmod(0o777)
    assert only(check, web(place / "s"), Machine()).fix == (f"chmod o-w {place}",)
    place.chmod(0o1777)
    assert not list(check(web(place / "s"), Machine()))


def test_a_file_in_our_place(place: Path) -> None:
    (place / "s").touch()
    assert "no socket" in only(check, web(place / "s"), Machine()).what


def test_our_own_left_over(place: Path) -> None:
    make_socket(place / "s")
    finding = only(check, web(place / "s"), Machine())
    assert finding.level == "note"
    assert finding.fix == (f"rm {place}/s",)


def test_a_socket_for_its_owner_alone(place: Path) -> None:
    assert "0600" in only(check, web(place / "s", 'socket.unix_mode = "0600"'), Machine()).what
    assert not list(check(web(place / "s", 'socket.unix_mode = "0660"'), Machine()))


def test_a_backend_that_is_not_there(place: Path) -> None:
    assert only(check, app(place / "s"), Machine(runs_as=ME)).what == f"there is no {place}/s"
    (place / "s").touch()
    assert "no socket" in only(check, app(place / "s"), Machine(runs_as=ME)).what


def test_a_stale_backend(place: Path) -> None:
    make_socket(place / "s")
    refused = {f"unix:{place}/s": Probe(errno.ECONNREFUSED)}
    assert "stale" in only(check, app(place / "s"), Machine(runs_as=ME, probes=refused)).what
    assert not list(check(app(place / "s"), Machine(runs_as=ME, probes={f"unix:{place}/s": Probe()})))


def test_a_backend_that_we_may_not_connect_to(place: Path) -> None:
    make_socket(place / "s", 0o660)
    assert not list(check(app(place / "s"), Machine(runs_as=User(os.getuid(), frozenset(), "me"))))
    finding = only(check, app(place / "s"), Machine(runs_as=OTHER))
    assert "user other may not connect" in finding.what
    assert "srw-rw----" in finding.what
    in_group = User(54321, frozenset({os.getgid()}), "nobody")
    assert not list(check(app(place / "s"), Machine(runs_as=in_group)))
    assert not list(check(app(place / "s"), Machine(runs_as=User(0, frozenset(), "root"))))


def test_a_directory_that_we_may_not_enter(place: Path) -> None:
    (place / "in").mkdir()
    make_socket(place / "in" / "s")
    (place / "in").chmod(0o700)
    finding = only(check, app(place / "in" / "s"), Machine(runs_as=OTHER))
    assert f"may not enter {place}/in" in finding.what
    assert f"chmod o+x {place}/in" in finding.fix


def test_a_managed_backend_makes_its_own(place: Path) -> None:
    managed = config(app=f'backends = [{{ address = "unix:{place}/s", command = "app" }}]')
    assert not list(check(managed, Machine(runs_as=ME)))
