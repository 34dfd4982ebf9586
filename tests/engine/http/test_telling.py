"""What backends are told of clients behind trusted proxies; of strangers' claims nothing."""

from __future__ import annotations

import pytest

from proxy.core.address import UnixAddress
from tests.engine.support import GET, OK, Wire, ask, backend, client, config, outcomes, proxy, reason, status, until

CLAIMS = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n\r\n"
TRUSTED = {"trusted_proxies": ("127.0.0.0/8",)}


class Noting:
    def __init__(self) -> None:
        self.heads: list[dict[str, str]] = []

    async def __call__(self, wire: Wire) -> None:
        while True:
            head, _ = await wire.request()
            lines = head.decode().split("\r\n")[1:-2]
            assert len({line.partition(":")[0].lower() for line in lines}) == len(lines), "one line of each"
            self.heads.append(dict(line.split(": ", 1) for line in lines))
            await wire.send(OK)


async def test_strangers_are_not_believed() -> None:
    noting = Noting()
    frontend = {"trusted_proxies": ("10.0.0.0/8",)}
    async with backend(noting) as app, proxy(config(app.address, frontend=frontend)) as server:
        await ask(server, CLAIMS)
    assert noting.heads[0]["X-Forwarded-For"] == "127.0.0.1"
    assert noting.heads[0]["X-Forwarded-Proto"] == "http"


async def test_each_request_of_a_trusted_proxy_has_its_own_client() -> None:
    """One connection carries many clients' requests; heads that repeat come from the cache."""
    noting = Noting()
    requests = [CLAIMS.replace(b"203.0.113.7", b"203.0.113.%d" % number) for number in (1, 2, 1, 1, 2, 2, 1)]
    async with (
        backend(noting) as app,
        proxy(config(app.address, frontend=TRUSTED)) as server,
        client(server) as wire,
    ):
        for request in (*requests, GET):
            await wire.send(request)
            await wire.response()
    told = [head["X-Forwarded-For"].removeprefix("203.0.113.") for head in noting.heads]
    assert told == [f"{number}, 127.0.0.1" for number in (1, 2, 1, 1, 2, 2, 1)] + ["127.0.0.1"]
    assert [head["X-Forwarded-Proto"] for head in noting.heads] == ["https"] * 7 + ["http"]


async def test_the_same_bytes_mean_different_things_from_different_peers() -> None:
    noting = Noting()
    frontend = {"trusted_proxies": ("127.0.0.0/8",)}
    async with backend(noting) as app, proxy(config(app.address, frontend=frontend)) as server:
        web = server.frontends["web"]
        for trusted in (True, False, True, False) * 3:
            web.trusts = lambda peer, trusted=trusted: trusted  # type: ignore[method-assign, misc]
            await ask(server, CLAIMS)
    assert [head["X-Forwarded-For"] for head in noting.heads] == ["203.0.113.7, 127.0.0.1", "127.0.0.1"] * 6


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_rfc_7239(is_trusted: bool) -> None:
    noting = Noting()
    frontend = {"forwarded": "rfc7239", **(TRUSTED if is_trusted else {})}
    request = CLAIMS.replace(b"X-Forwarded-For: 203.0.113.7", b'Forwarded: for="[2001:db8::7]:9"')
    async with backend(noting) as app, proxy(config(app.address, frontend=frontend)) as server:
        port = server.addresses["web"][0].port  # type: ignore[union-attr]
        for _ in range(3):
            await ask(server, request)
    for head in noting.heads:
        before = 'for="[2001:db8::7]:9", ' if is_trusted else ""
        assert head["Forwarded"] == f'{before}for=127.0.0.1;by="127.0.0.1:{port}";proto=http;host=a'
        assert not any(name.startswith("X-") for name in head)


async def test_the_peer_on_a_unix_socket_may_be_trusted(tmp_path: object) -> None:
    noting = Noting()
    where = UnixAddress(f"{tmp_path}/s")
    async with backend(noting) as app:
        for networks in (("unix:",), ("0.0.0.0/0", "::/0")):
            settings = config(app.address, listen=where, frontend={"trusted_proxies": networks})
            async with proxy(settings) as server:
                await ask(server, CLAIMS)
    assert noting.heads[0]["X-Forwarded-For"] == "203.0.113.7"
    assert "X-Forwarded-For" not in noting.heads[1]


async def test_allow_and_deny_judge_the_client_that_a_trusted_proxy_names() -> None:
    noting = Noting()
    frontend = {**TRUSTED, "allow": ("203.0.113.0/24",)}
    async with backend(noting) as app, proxy(config(app.address, frontend=frontend)) as server:
        async with client(server) as wire:
            await wire.send(CLAIMS)
            assert status((await wire.response())[0]) == 200
            await wire.send(CLAIMS.replace(b"203.0.113.7", b"203.0.113.7, 198.51.100.1") * 3)
            head, _ = await wire.response()
            assert (status(head), reason(head)) == (403, "admit/address-denied")
            await wire.end()
            assert await wire.ended()
        assert status((await ask(server))[0]) == 403
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"ok": 1, "address-denied": 2}
    assert len(noting.heads) == 1
