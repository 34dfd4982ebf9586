"""The metrics as text. A real Prometheus reads them in clients/test_prometheus.py."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from proxy.core.config import Backend
from proxy.core.statistics import MemberStatistics
from proxy.serve.admin.exposition import CONTENT_TYPE
from proxy.serve.admin.prometheus import families
from proxy.serve.control.controller import Controller
from tests.clients.support import program
from tests.engine.support import NOBODY, ask, backend, client, config, echo, hello
from tests.serve.admin.support import operated, told, with_admin

if TYPE_CHECKING:
    from tests.serve.admin.support import Operated


async def scrape(rproxy: Operated) -> str:
    answer = await rproxy.http.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
    return answer.text


def value_of(text: str, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return None


async def test_what_was_done_is_in_the_metrics() -> None:
    async with backend(hello) as app, operated(with_admin(config(NOBODY, app.address))) as rproxy:
        await ask(rproxy.server)
        await ask(rproxy.server, b"NOT A REQUEST\r\n\r\n")
        await told(rproxy, lambda found: found["frontends"][0]["exchanges"] == 2)
        text = await scrape(rproxy)
        own = {"pool": "app", "backend": str(app.address)}
        for name, labels, value in [
            ("rproxy_frontend_accepted_total", {"frontend": "web"}, 2),
            ("rproxy_frontend_responses_total", {"frontend": "web", "status": "200"}, 1),
            ("rproxy_frontend_exchanges_total", {"frontend": "web", "reason": "ok"}, 1),
            ("rproxy_frontend_exchanges_total", {"frontend": "web", "reason": "parse/method"}, 1),
            ("rproxy_frontend_phase_seconds_count", {"frontend": "web", "phase": "total"}, 2),
            ("rproxy_frontend_phase_seconds_bucket", {"frontend": "web", "phase": "total", "le": "+Inf"}, 2),
            ("rproxy_backend_responses_total", {**own, "status": "200"}, 1),
            ("rproxy_backend_picked_total", own, 1),
            ("rproxy_backend_state", {**own, "state": "ready"}, 1),
            ("rproxy_backend_state", {**own, "state": "draining"}, 0),
            ("rproxy_backend_failures_total", {"backend": str(NOBODY), "reason": "connect-refused"}, 1),
            ("rproxy_pool_retries_total", {"pool": "app", "reason": "connect-failure"}, 1),
            ("rproxy_pool_waiting", {"pool": "app"}, 0),
            ("rproxy_worker_exchanges_total", {"worker": "1"}, 2),
            ("rproxy_worker_fairness", {}, 1),
        ]:
            assert value_of(text, name, **labels) == value, (name, labels)
        assert 0 < (value_of(text, "rproxy_backend_latency_seconds", **own, percentile="99") or 0) < 100
        assert value_of(text, "rproxy_backend_slots") is None  # there is no limit
        assert (value_of(text, "process_resident_memory_bytes") or 0) > 0


async def test_members_and_limits_where_there_are_some() -> None:
    async with operated(with_admin(config(Backend(address=NOBODY, max_connections=7)))) as rproxy:
        rproxy.controller.pools["app"][str(NOBODY)].members = (
            MemberStatistics(number=1, pid=11, state="running", starts=2, connections=5),
            MemberStatistics(number=2, pid=None, state="missing"),
        )
        text = await scrape(rproxy)
        assert value_of(text, "rproxy_backend_slots", backend=str(NOBODY)) == 7
        assert value_of(text, "rproxy_member_up", member="1") == 1
        assert value_of(text, "rproxy_member_up", member="2") == 0
        assert value_of(text, "rproxy_member_starts_total", member="1") == 2
        assert value_of(text, "rproxy_member_connections", member="1") == 5
        assert value_of(text, "rproxy_member_connections", member="2") is None


def test_every_family_has_its_help() -> None:
    found = list(families(Controller(config(NOBODY)).statistics()))
    assert all(family.documentation for family in found)
    assert len({family.name for family in found}) == len(found)


@pytest.mark.slow
async def test_promtool_has_nothing_to_say() -> None:
    promtool = program("promtool", "prometheus")
    async with backend(hello) as app, backend(echo) as other:
        for settings in (config(NOBODY, app.address), config(other.address, mode="tcp")):
            async with operated(with_admin(settings)) as rproxy:
                async with client(rproxy.server) as wire:
                    await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    await wire.head()
                await told(rproxy, lambda found: found["frontends"][0]["exchanges"])
                text = await scrape(rproxy)
            checked = await trio.run_process(
                [promtool, "check", "metrics"], stdin=text.encode(), capture_stdout=True, stderr=subprocess.STDOUT
            )
            assert checked.stdout == b""
