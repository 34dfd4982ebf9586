"""Backends that nobody listens for."""

from __future__ import annotations

import errno

from proxy.doctor.checks.unreachable import check
from proxy.doctor.machine import Machine
from proxy.doctor.probe import Probe
from tests.doctor.support import config, listening, only, process

REFUSED = {"127.0.0.1:9001": Probe(errno.ECONNREFUSED)}


def test_nobody_listens() -> None:
    finding = only(check, config(), Machine(probes=REFUSED))
    assert finding.level == "problem"
    assert "Connection refused" in finding.what
    assert "ss -ltnp 'sport = :9001'" in finding.fix[0]


def test_it_listens_on_the_other_ip_version() -> None:
    finding = only(check, config(), Machine(probes=REFUSED, listening=(listening("[::1]:9001", process(7, "app")),)))
    assert "app (pid 7" in finding.what
    assert "[::1]:9001" in finding.what


def test_unix_sockets() -> None:
    full = Machine(probes={"unix:/run/a": Probe(errno.EAGAIN), "unix:@a": Probe(errno.ECONNREFUSED)})
    assert "queue is full" in only(check, config(app='backends = ["unix:/run/a"]'), full).what
    assert "nobody listens" in only(check, config(app='backends = ["unix:@a"]'), full).what


def test_who_need_not_be_there_yet() -> None:
    managed = config(app='backends = [{ address = "127.0.0.1:9001", command = "app" }]')
    assert not list(check(managed, Machine(probes=REFUSED)))
    another = '[frontends.inner]\nlisten = "127.0.0.1:9001"\nrespond = 200'
    assert not list(check(config(another), Machine(probes=REFUSED)))
    assert not list(check(config(), Machine(probes={"127.0.0.1:9001": Probe()})))
