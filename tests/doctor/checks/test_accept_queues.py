"""Backlogs that somaxconn lowers, that are small, and that are full."""

from __future__ import annotations

from proxy.doctor.checks.accept_queues import SOMAXCONN, check
from proxy.doctor.machine import Machine
from tests.doctor.support import config, listening, only, process

APP = process(7, "app")
UNIX = 'backends = ["unix:/run/app.sock"]'


def test_somaxconn_below_our_backlog() -> None:
    finding = only(check, config(), Machine(sysctls={SOMAXCONN: "128"}))
    assert "4096" in finding.what
    assert "128" in finding.what
    assert f"sysctl -w {SOMAXCONN}=4096" in finding.fix
    assert not list(check(config(), Machine(sysctls={SOMAXCONN: "4096"})))
    assert not list(
        check(config(web='listen = "127.0.0.1:1"\nsocket.backlog = 100'), Machine(sysctls={SOMAXCONN: "128"}))
    )


def test_a_backend_with_a_small_backlog() -> None:
    finding = only(check, config(), Machine(listening=(listening("127.0.0.1:9001", APP, backlog=5),)))
    assert finding.level == "warning"
    assert "app (pid 7" in finding.what
    assert "backlog of 5" in finding.what
    assert "after 1, 3 and 7 seconds" in finding.why


def test_of_a_unix_socket_the_danger_is_another_one() -> None:
    finding = only(check, config(app=UNIX), Machine(listening=(listening("unix:/run/app.sock", APP, backlog=5),)))
    assert "EAGAIN" in finding.why


def test_queues_that_were_full() -> None:
    finding = only(check, config(), Machine(overflows=17))
    assert finding.level == "note"
    assert finding.what.startswith("17 connections")


def test_a_backlog_is_large_enough_for_a_limit() -> None:
    limited = config(app='backends = [{ address = "127.0.0.1:9001", max_connections = 4 }]')
    assert not list(check(limited, Machine(listening=(listening("127.0.0.1:9001", APP, backlog=5),))))


def test_a_queue_that_is_full_or_stays_as_it_is() -> None:
    for found in (
        listening("127.0.0.1:9001", APP, waiting=129),
        listening("127.0.0.1:9001", APP, waiting=1, is_stuck=True),
    ):
        finding = only(check, config(), Machine(listening=(found,)))
        assert finding.level == "problem"
        assert "/proc/7/" in finding.fix[0]
    assert not list(check(config(), Machine(listening=(listening("127.0.0.1:9001", APP, waiting=5),))))
