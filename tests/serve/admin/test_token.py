from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.engine.support import NOBODY, config
from tests.serve.admin.support import BEARER, TOKEN, operated, with_admin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.serve.admin.support import Operated

BODY = {"pool": "app", "backend": str(NOBODY)}


async def drain(rproxy: Operated, headers: dict[str, str]) -> tuple[int, str]:
    answer = await rproxy.http.post("/api/backends/drain", json=BODY, headers=headers)
    return answer.status_code, answer.json().get("error", "")


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "the header is missing: Authorization: Bearer TOKEN"),
        ({"Authorization": f"Basic {TOKEN}"}, "the header is missing: Authorization: Bearer TOKEN"),
        ({"Authorization": "Bearer fedcba9876543210"}, "this is not the token"),
        ({"Authorization": f"Bearer {TOKEN}0"}, "this is not the token"),
        ({"Authorization": "Bearer töken"}, "this is not the token"),
    ],
)
async def test_without_the_token_nothing_changes(headers: dict[str, str], message: str) -> None:
    async with operated(with_admin(config(NOBODY))) as rproxy:
        raw = {name: value.encode() for name, value in headers.items()}
        assert await drain(rproxy, raw) == (401, message)  # type: ignore[arg-type] # httpx takes bytes too
        assert rproxy.controller.pools["app"][str(NOBODY)].mode == "enabled"
        assert await drain(rproxy, BEARER) == (200, "")


async def test_without_any_token_nobody_may_change_anything() -> None:
    async with operated(with_admin(config(NOBODY), token=None)) as rproxy:
        status, message = await drain(rproxy, BEARER)
        assert (status, message) == (
            403, 'nothing can be changed here: [admin] has neither "token" nor "token_file"'
        )  # fmt: skip


async def test_a_token_from_a_file_and_another_one_after_a_reload(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\nwhat else stands there\n")
    settings = with_admin(config(NOBODY), token=None, token_file=str(path))
    async with operated(settings) as rproxy:
        assert (await drain(rproxy, BEARER))[0] == 200
        path.write_text("another-token-0123\n")
        assert (await drain(rproxy, BEARER))[0] == 200
        reload(rproxy)
        assert (await drain(rproxy, BEARER))[0] == 401
        assert (await drain(rproxy, {"Authorization": "Bearer another-token-0123"}))[0] == 200
        path.unlink()
        reload(rproxy)
        with caplog.at_level(logging.ERROR, "rproxy.admin"):
            assert (await drain(rproxy, {"Authorization": "Bearer another-token-0123"}))[0] == 200
        assert f"the token of [admin] stays as it was: {path}" in caplog.text


def reload(rproxy: Operated) -> None:
    controller = rproxy.controller
    assert controller.config.admin is not None
    controller.config = replace(controller.config, admin=replace(controller.config.admin))
