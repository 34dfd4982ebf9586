"""What is written for the best: its files, why it is the best, and that rproxy serves with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.analysis.verdict import judge
from proxy.lab.application import SAMPLE, Application
from proxy.lab.emit.winner import emit
from proxy.lab.emit.wish import NoUnits, Wish
from proxy.lab.results import Available, Comparison, ScenarioResult
from tests.clients.support import RPROXY, short_directory, spawn
from tests.processes import end_group, free_port, request, wait_listening

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.lab.analysis.verdict import Verdict


FOR_PORTS = Application("cat", {"port": ("cat", "{port}")})


def verdict_of(**p99: float) -> Verdict:
    """Of a comparison in which each model, with _ for -, had that latency."""
    names = {name.replace("_", "-"): seconds for name, seconds in p99.items()}
    results = [
        ScenarioResult("latency", name, "", 0, {"p99": seconds, "failed": 0.0, "intended": 1000.0})
        for name, seconds in names.items()
    ]
    available = tuple(Available(name, "", "") for name in names)
    return judge(Comparison("hello", {}, {}, 0.0, 1.0, True, available, tuple(results)))


def test_the_best_is_written_with_its_reasons(tmp_path: Path) -> None:
    names = emit(verdict_of(direct=0.5, proxy_unix=0.01), Wish(SAMPLE), str(tmp_path))
    assert (
        sorted(names) == ["README.md", "lb.toml", "rproxy.service"] == sorted(path.name for path in tmp_path.iterdir())
    )
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("# backends.hello: proxy-unix\n")
    assert "direct 500 ms" in text
    assert "    systemctl enable --now rproxy.service\n" in text
    assert "    rproxy --config lb.toml\n" in text


def test_units_without_a_proxy(tmp_path: Path) -> None:
    names = emit(verdict_of(reuseport=0.01), Wish(SAMPLE, workers=3), str(tmp_path))
    assert sorted(names) == ["README.md", "app.target", "app@.service"]
    text = (tmp_path / "README.md").read_text()
    assert "3 processes" in text
    assert "lb.toml" not in text


def test_where_there_are_no_files_for_the_best_it_is_the_next_and_that_is_said(tmp_path: Path) -> None:
    emit(verdict_of(direct=0.5, prefork=0.01), Wish(FOR_PORTS), str(tmp_path))
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("# cat: direct\n")
    assert "There are no files for prefork, which did better: " in text


def test_nothing_that_can_be_deployed(tmp_path: Path) -> None:
    with pytest.raises(NoUnits, match="nothing to deploy: prefork: prefork needs another command"):
        emit(verdict_of(prefork=0.01), Wish(FOR_PORTS), str(tmp_path))
    with pytest.raises(NoUnits, match="nothing was measured"):
        emit(verdict_of(), Wish(SAMPLE), str(tmp_path))


@pytest.mark.slow
def test_rproxy_serves_with_what_was_written(tmp_path: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    emit(verdict_of(proxy_unix=0.01), Wish(SAMPLE, listen=listen), str(tmp_path))
    config = tmp_path / "lb.toml"
    with short_directory() as sockets:
        config.write_text(config.read_text().replace("/run/rproxy", str(sockets)))
        process = spawn(tmp_path, (*RPROXY, "--config", str(config)))
        try:
            wait_listening(listen, process=process)
            assert b'"worker": "worker-' in request(listen).body
        finally:
            end_group(process)
