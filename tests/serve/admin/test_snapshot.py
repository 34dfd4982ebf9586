import json

import trio
import trio.testing

from proxy.serve.admin.snapshot import FRESH, Snapshots
from proxy.serve.control.controller import Controller
from tests.engine.support import NOBODY, config


async def test_a_snapshot_is_made_when_the_last_one_is_no_longer_fresh(autojump_clock: trio.testing.MockClock) -> None:
    snapshots = Snapshots(Controller(config(NOBODY)))
    first = snapshots.json()
    assert json.loads(first)["pools"][0]["name"] == "app"
    await trio.sleep(FRESH * 0.9)
    assert snapshots.json() is first
    await trio.sleep(FRESH * 0.2)
    assert snapshots.json() is not first
