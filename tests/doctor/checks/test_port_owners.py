"""Who else is on our addresses."""

from __future__ import annotations

from proxy.doctor.checks.port_owners import check
from proxy.doctor.machine import Machine
from tests.doctor.support import config, listening, only, process

NGINX = process(7, "nginx", uid=33)
RPROXY = process(8, "/usr/bin/python3", "-m", "proxy", "--config", "lb.toml")
MANAGED = 'backends = [{ address = "127.0.0.1:9001", command = "app" }]'


def test_a_stranger_where_we_are_to_listen() -> None:
    finding = only(check, config(), Machine(listening=(listening("0.0.0.0:8080", NGINX),)))
    assert finding.level == "problem"
    assert "nginx (pid 7, user www-data)" in finding.what or "nginx (pid 7, user 33)" in finding.what
    assert "will not start" in finding.why
    assert "ss -ltnp 'sport = :8080'" in finding.fix[0]


def test_a_shared_port_shares_the_clients() -> None:
    shared = config(web='listen = "127.0.0.1:8080"\nsocket.reuse_port = true')
    finding = only(check, shared, Machine(listening=(listening("127.0.0.1:8080", NGINX),)))
    assert "at random" in finding.why


def test_workers_share_their_port_with_whoever_else_may() -> None:
    finding = only(check, config("workers = 2"), Machine(listening=(listening("127.0.0.1:8080", NGINX),)))
    assert "at random" in finding.why


def test_a_stranger_who_joined_a_running_rproxy() -> None:
    found = (
        listening("127.0.0.1:8080", RPROXY),
        listening("127.0.0.1:8080", RPROXY),
        listening("127.0.0.1:8080", NGINX),
    )
    assert "nginx (pid 7" in only(check, config("workers = 2"), Machine(listening=found)).what


def test_a_stranger_at_the_admin_address() -> None:
    wanting = config('admin.listen = "127.0.0.1:9900"')
    finding = only(check, wanting, Machine(listening=(listening("127.0.0.1:9900", NGINX),)))
    assert finding.where == "admin, 127.0.0.1:9900"


def test_ourselves_and_other_ports_are_no_strangers() -> None:
    for address, owner in (("127.0.0.1:8080", RPROXY), ("127.0.0.1:8081", NGINX), ("[::1]:8080", NGINX)):
        assert not list(check(config(), Machine(listening=(listening(address, owner),))))


def test_a_unix_socket_has_owners_too() -> None:
    unix = config(web='listen = "unix:/run/web.sock"')
    finding = only(check, unix, Machine(listening=(listening("unix:/run/web.sock", NGINX),)))
    assert "/run/web.sock" in finding.fix[0]


def test_a_managed_member_that_outlived_its_rproxy() -> None:
    member = listening("127.0.0.1:9001", process(9, "app"))
    machine = Machine(listening=(member,))
    assert "app (pid 9" in only(check, config(app=MANAGED), machine).what
    running = Machine(listening=(member, listening("127.0.0.1:8080", RPROXY)))
    assert not list(check(config(app=MANAGED), running))
    assert not list(check(config(), machine))
