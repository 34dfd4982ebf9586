"""When there is no upgrade from the start. test_upgrade.py has those that come about."""

from __future__ import annotations

import os

import pytest

from proxy.core.config import Config
from proxy.serve.control.controller import Controller
from proxy.serve.listeners import Listeners
from proxy.serve.systemd.manager import ServiceManager
from proxy.serve.upgrade.hand_over import find_successor
from proxy.serve.upgrade.successor import UpgradeError


class Running:
    """What serves nobody."""

    def __init__(self) -> None:
        self.controller = Controller(Config(frontends={}))
        self.listeners = Listeners()

    async def drain(self, seconds: float) -> None: ...

    async def cut(self) -> None: ...


async def test_process_1_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end is that of its container."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(UpgradeError, match="process 1"):
        await find_successor(Running(), ServiceManager())
