"""A real Prometheus scrapes rproxy with two workers, while one of them is killed."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.support import program, running
from tests.processes import free_port, request, start_backend, start_process, wait_listening, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Figures

pytestmark = pytest.mark.slow
EVERY = "500ms"  # between two scrapes
FRESH = 30.0  # seconds until it has scraped what we look for, on a busy machine


class Prometheus:
    def __init__(self, address: str) -> None:
        self._address = address

    def ask(self, what: str, **parameters: str) -> Any:
        """Its HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/."""
        answer = request(self._address, f"/api/v1/{what}?{urllib.parse.urlencode(parameters)}")
        found = json.loads(answer.body)
        assert found["status"] == "success", found
        return found["data"]

    def value(self, query: str) -> float:
        """Of an expression that gives one number; 0 for none."""
        result = self.ask("query", query=query)["result"]
        return float(result[0]["value"][1]) if result else 0.0

    @property
    def target(self) -> Any:
        (target,) = self.ask("targets")["activeTargets"]
        return target


def config_of(directory: Path, target: str) -> Path:
    path = directory / "prometheus.yml"
    path.write_text(
        f"global: {{scrape_interval: {EVERY}, scrape_timeout: {EVERY}}}\n"
        f"scrape_configs: [{{job_name: rproxy, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    return path


def test_a_real_prometheus_scrapes(tmp_path: Path, soaking: bool, figures: Figures) -> None:
    name, admin, address = program("prometheus"), f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    arguments = (
        name, f"--config.file={config_of(tmp_path, admin)}", f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address={address}", "--log.level=warn",
    )  # fmt: skip
    config = """
        workers = 2
        [frontends.web]
        listen = "127.0.0.1:0"
        pool = "app"
        [pools.app]
        backends = ["{backend}"]
        [admin]
        listen = "{admin}"
    """
    with start_backend("hello") as backend:
        text = config.replace("{backend}", backend.address).replace("{admin}", admin)
        with running(text) as rproxy, start_process(arguments):
            wait_listening(address, deadline=FRESH)
            prometheus = Prometheus(address)
            made = _work(rproxy.address, 60.0 if soaking else 3.0)
            expected = 'sum(rproxy_frontend_responses_total{status="200"})'
            wait_until(lambda: prometheus.value(expected) == made, FRESH)
            _kill_a_worker(admin)
            made += _work(rproxy.address, 2.0)
            wait_until(lambda: prometheus.value("sum(rproxy_worker_starts_total)") == 3, FRESH)
            wait_until(lambda: prometheus.value("sum(rproxy_worker_exchanges_total)") == made, FRESH)
            assert (prometheus.target["health"], prometheus.target["lastError"]) == ("up", "")
            assert prometheus.value("min_over_time(up[5m])") == 1
            assert prometheus.value("sum(rproxy_frontend_accepted_total)") == made
            assert 0.5 <= prometheus.value("rproxy_worker_fairness") <= 1
            p99 = "histogram_quantile(0.99, sum by (le) (rproxy_frontend_phase_seconds_bucket{phase='total'}))"
            took = prometheus.value("avg_over_time(scrape_duration_seconds[5m])")
            count = prometheus.value("count_over_time(up[5m])")
            samples = prometheus.value("scrape_samples_scraped")
            assert prometheus.value(p99) > 0
            figures(
                f"Prometheus: {count:.0f} scrapes of {samples:.0f} samples, {1e3 * took:.1f} ms each, none failed; "
                f"{made} requests, all counted; p99 {1e3 * prometheus.value(p99):.2f} ms"
            )


def _work(address: str, seconds: float) -> int:
    """Requests one after the other, each on a new connection; how many."""
    made, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        assert request(address).status == 200
        made += 1
    return made


def _kill_a_worker(admin: str) -> None:
    """When all that it has done was told."""
    workers = json.loads(request(admin, "/api/statistics").body)["workers"]
    os.kill(workers[0]["pid"], signal.SIGKILL)

    def is_back() -> bool:
        worker = json.loads(request(admin, "/api/statistics").body)["workers"][0]
        return bool(worker["state"] == "running" and worker["pid"] != workers[0]["pid"])

    wait_until(is_back, FRESH)
