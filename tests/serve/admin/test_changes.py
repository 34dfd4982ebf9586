# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from proxy.core.config import load_config
from tests.engine.support import GET, NOBODY, Gate, ask, backend, client, config, hello, until
from tests.serve.admin.support import BEARER, TOKEN, operated, with_admin

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.serve.admin.support import Operated


NO_PORT = "backend: '127.0.0.1' has no port: write host:port or unix:/path"
MEANT = f'did you mean "{NOBODY}"?'


async def change(rproxy: Operated, what: str, headers: dict[str, str] = BEARER, **body: Any) -> httpx.Response:
    return await rproxy.http.post(f"/api/backends/{what}", json={"pool": "app", **body}, headers=headers)


async def test_a_drained_backend_finishes_and_takes_nothing_new() -> None:
    gate = Gate()
    async with backend(gate) as one, backend(hello) as two:
        async with operated(with_admin(config(one.address, two.address))) as rproxy, client(rproxy.server) as wire:
            await wire.send(GET)
            await until(lambda: gate.arrived == 1)
            answer = await change(rproxy, "drain", backend=str(one.address))
            assert (answer.status_code, answer.json()["state"], answer.json()["reason"]) == (
                200, "draining", "by the operator"
            )  # fmt: skip
            for _ in range(4):
                await ask(rproxy.server)
            assert (len(one.requests), gate.arrived) == (0, 1)
            gate.open()
            assert (await wire.response())[1] == b"ok"
            back = await change(rproxy, "enable", backend=str(one.address))
            assert (back.json()["state"], back.json()["reason"]) == ("ready", "")
            for _ in range(2):
                await ask(rproxy.server)
            assert gate.arrived == 2


async def test_disabled_is_said_to_be_so() -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy:
        answer = await change(rproxy, "disable", backend=str(NOBODY))
        assert answer.json()["state"] == "disabled"
        events = (await rproxy.http.get("/api/statistics")).json()["events"]
        assert events[-1]["text"] == f"app: backend {NOBODY} is disabled: by the operator"


async def test_another_weight_and_the_configured_one_again() -> None:
    async with backend(hello) as one, backend(hello) as two:
        async with operated(with_admin(config(one.address, two.address))) as rproxy:
            answer = await change(rproxy, "weight", backend=str(one.address), weight=3)
            assert (answer.json()["weight"], answer.json()["effective_weight"]) == (3, 3.0)
            for _ in range(8):
                await ask(rproxy.server)
            assert [b.picked for b in rproxy.server.pools["app"].backends] == [6, 2]
            answer = await change(rproxy, "weight", backend=str(one.address), weight=None)
            assert answer.json()["weight"] == 1


@pytest.mark.parametrize(
    ("what", "body", "status", "message"),
    [
        ("drain", {"backend": "127.0.0.2:1"}, 404, f'there is no backend "127.0.0.2:1" in pool "app"; {MEANT}'),
        ("drain", {"pool": "ap", "backend": "x"}, 404, 'there is no pool "ap"; did you mean "app"?'),
        ("drain", {}, 422, "backend: Field required"),
        ("drain", {"backend": "127.0.0.1:1", "wieght": 2}, 422, "wieght: Extra inputs are not permitted"),
        ("weight", {"backend": "127.0.0.1:1"}, 422, "weight: Field required"),
        ("weight", {"backend": "127.0.0.1:1", "weight": 0}, 422, "weight: Input should be greater than or equal to 1"),
        ("weight", {"backend": "127.0.0.1:1", "weight": "2"}, 422, "weight: Input should be a valid integer"),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_said_in_a_sentence(
    what: str, body: dict[str, Any], status: int, message: str
) -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy:
        answer = await change(rproxy, what, **body)
        assert (answer.status_code, answer.json()) == (status, {"error": message})


async def test_a_body_that_is_no_json() -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy:
        headers = {**BEARER, "Content-Type": "application/json"}
        answer = await rproxy.http.post("/api/backends/drain", content=b"{pool", headers=headers)
        assert answer.status_code == 422
        assert "JSON" in answer.json()["error"]


async def test_a_body_that_does_not_say_that_it_is_json() -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy:
        body = {"pool": "app", "backend": str(NOBODY)}
        for sent in ({"content": json.dumps(body)}, {"data": body}, {}):
            answer = await rproxy.http.post("/api/backends/drain", headers=BEARER, **sent)
            assert (answer.status_code, answer.json()["error"][:29]) == (422, "the body has to be JSON, with")


async def test_a_backend_comes_and_goes() -> None:
    async with backend(hello) as one, backend(hello) as two, operated(with_admin(config(one.address))) as rproxy:
        answer = await change(rproxy, "add", backend=str(two.address), weight=2, max_connections=9)
        assert (answer.status_code, answer.json()["weight"], answer.json()["max_connections"]) == (200, 2, 9)
        for _ in range(6):
            await ask(rproxy.server)
        assert two.connections > 0
        assert (await change(rproxy, "remove", backend=str(one.address))).status_code == 204
        before = one.connections
        for _ in range(3):
            await ask(rproxy.server)
        assert one.connections == before
        found = (await rproxy.http.get("/api/statistics")).json()
        assert [b["address"] for b in found["pools"][0]["backends"]] == [str(two.address)]
        assert found["generation"] == 3


@pytest.mark.parametrize(
    ("what", "body", "status", "message"),
    [
        ("add", {"backend": str(NOBODY)}, 409, f'backend {NOBODY} is in pool "app" twice'),
        ("add", {"backend": "127.0.0.1"}, 422, NO_PORT),
        ("add", {"backend": "127.0.0.1:2", "pool": "ap"}, 404, 'there is no pool "ap"; did you mean "app"?'),
        ("add", {"backend": "127.0.0.1:2", "command": "sh"}, 422, "command: Extra inputs are not permitted"),
        ("remove", {"backend": "127.0.0.2:1"}, 404, f'there is no backend "127.0.0.2:1" in pool "app"; {MEANT}'),
        ("remove", {"backend": str(NOBODY)}, 409, 'pool "app" is empty: "backends" is missing or has none'),
    ],
)  # fmt: skip
async def test_what_cannot_be_added_or_removed(what: str, body: dict[str, Any], status: int, message: str) -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy:
        answer = await change(rproxy, what, **body)
        assert (answer.status_code, answer.json()) == (status, {"error": message})
        assert rproxy.controller.generation == 1


FILE = """
[frontends.web]
listen = "127.0.0.1:0"
pool = "app"
[pools.app]
backends = [{backends}]
balance = "round-robin"
[admin]
listen = "127.0.0.1:0"
token = "{token}"
"""


async def test_a_reload_tells_its_plan_and_a_bad_file_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "lb.toml"
    text = FILE.replace("{token}", TOKEN)
    path.write_text(text.replace("{backends}", '"127.0.0.1:1"'))
    async with operated(load_config(path)) as rproxy:
        rproxy.controller.config_file = str(path)
        path.write_text(text.replace("{backends}", '"127.0.0.1:1", "127.0.0.1:2"'))
        assert (await rproxy.http.post("/api/reload")).status_code == 401
        answer = await rproxy.http.post("/api/reload", headers=BEARER)
        plan = ["+ pool app: backend 127.0.0.1:2"]
        assert (answer.status_code, answer.json()) == (200, {"plan": plan, "problems": []})
        path.write_text(text.replace("{backends}", '"127.0.0.1:1", "127.0.0.1"'))
        answer = await rproxy.http.post("/api/reload", headers=BEARER)
        assert answer.status_code == 409
        assert f"{path}:6:28: '127.0.0.1' has no port" in answer.json()["error"]
        assert list(rproxy.controller.pools["app"]) == ["127.0.0.1:1", "127.0.0.1:2"]


async def test_warnings_come_with_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "lb.toml"
    path.write_text(FILE.replace("{token}", TOKEN).replace("{backends}", '"127.0.0.1:1"'))
    async with operated(load_config(path)) as rproxy:
        rproxy.controller.config_file = str(path)
        path.write_text(path.read_text() + '[pools.spare]\nbackends = ["127.0.0.1:3"]\n')
        told = (await rproxy.http.post("/api/reload", headers=BEARER)).json()
        assert told["plan"] == ["+ pool spare"]
        (warning,) = told["problems"]
        assert (warning["severity"], warning["message"], warning["path"]) == (
            "warning", 'no frontend uses the pool "spare"', "pools.spare"
        )  # fmt: skip
