"""`--app` with servers that people have: each in a cell of its own, answering in the model that suits its way in."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from proxy.lab.application import parse_application
from proxy.lab.compare import cells
from proxy.lab.compare.cell_spec import CellSpec, Run
from proxy.lab.compare.events import Event, Measured
from proxy.lab.scenarios.scenario import Plan
from tests.clients.support import START, module

SERVERS = {
    "uvicorn": "python -m uvicorn --host {host} --port {port} --log-level warning backends.app:app",
    "gunicorn": "python -m gunicorn --bind unix:{socket} --workers 1 --log-level warning backends.app:wsgi",
    "hypercorn": "python -m hypercorn --bind {host}:{port} --worker-class trio --log-level warning backends.app:app",
}


@pytest.mark.slow
@pytest.mark.parametrize("server", SERVERS)
async def test_it_is_measured(server: str) -> None:
    module(server)
    application = parse_application([SERVERS[server]])
    plan = Plan("direct", "", seconds=0.3, warm_up=0.1, rate=40.0, connections=2, paths=((1.0, "/"),))
    commands: Any = dict(application.commands)
    spec = CellSpec(
        "direct", "", 0, 1, (Run("latency", plan, 0.4),), {}, application.name, commands, False, deadline=START
    )
    events: list[Event] = []
    with trio.fail_after(2 * START):
        await cells.run_cell(spec, events.append)
    (result,) = [event.result for event in events if isinstance(event, Measured)]
    assert not result.cannot
    assert result.load is not None
    assert result.load.completed > 0
    assert not result.load.errors
