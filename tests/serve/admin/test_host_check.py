"""Names that the admin answers to: a page that leads its own name to us reads nothing."""

from __future__ import annotations

import pytest

from proxy.core.address import parse_address
from proxy.core.config import Admin
from proxy.serve.admin.host_check import is_expected
from tests.engine.support import NOBODY, config
from tests.serve.admin.support import operated, with_admin

LOOPBACK = Admin(listen=parse_address("127.0.0.1:9900"))
LISTED = Admin(listen=parse_address("127.0.0.1:9900"), hosts=("proxy.example.com",))
EVERYWHERE = Admin(listen=parse_address("0.0.0.0:9900"))
ONE_NAME = Admin(listen=parse_address("0.0.0.0:9900"), hosts=("proxy.example.com",))


@pytest.mark.parametrize(
    ("host", "admin", "expected"),
    [
        ("127.0.0.1:9900", LOOPBACK, True),
        ("[::1]:9900", LOOPBACK, True),
        ("[::1]", LOOPBACK, True),
        ("192.0.2.1", LOOPBACK, True),
        ("localhost:9900", LOOPBACK, True),
        ("rproxy.localhost", LOOPBACK, True),
        ("", LOOPBACK, True),
        ("attacker.example:9900", LOOPBACK, False),
        ("127.0.0.1.attacker.example", LOOPBACK, False),
        ("localhost.attacker.example", LOOPBACK, False),
        ("proxy.example.com:9900", LISTED, True),
        ("attacker.example", LISTED, False),
        ("anything.example", EVERYWHERE, True),
        ("anything.example", ONE_NAME, False),
        ("192.0.2.1:9900", ONE_NAME, True),
    ],
)
def test_names(host: str, admin: Admin, expected: bool) -> None:
    assert is_expected(host, admin) is expected


async def test_another_name_is_told_and_gets_nothing() -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy:
        for path in ("/api/statistics", "/metrics", "/", "/openapi.json"):
            answer = await rproxy.http.get(path, headers={"Host": "Attacker.example:9900"})
            assert answer.status_code == 421
            assert answer.json()["error"] == (
                'the name "attacker.example:9900" is not answered to: ask by address, or list it in [admin] hosts'
            )
        assert (await rproxy.http.get("/healthz")).status_code == 200
