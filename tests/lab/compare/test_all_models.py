"""All models in one run, as short as can be: whatever can run here does, and the rest says what it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxy.lab.models.registry import MODELS
from proxy.lab.report.to_json import from_json
from tests.clients.support import PATH, RPROXY
from tests.processes import ROOT

if TYPE_CHECKING:
    from proxy.lab.results import Comparison
    from tests.conftest import Figures

SHORT = ("--scenarios", "latency,jobs", "--rate", "40", "--seconds", "0.3")
PATIENCE = 300.0  # seconds; half a minute where nothing else runs
ONLY_PYTHON = str(Path(sys.executable).parent)  # as PATH; sbin is looked into as well, as shells of users leave it out
NEED_NOTHING = {"direct", "prefork", "reuseport", "queue", "tuplespace"}
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")


def compare(directory: Path, path: str, *options: str) -> Comparison:
    told = subprocess.run(
        (*RPROXY, "compare", "--quick", *SHORT, *options, "--json", str(directory / "all.json")),
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return from_json((directory / "all.json").read_text())


@pytest.mark.slow
def test_every_model_that_can_run_here_does(tmp_path: Path, figures: Figures) -> None:
    comparison = compare(tmp_path, PATH)
    assert comparison.finished
    assert {one.model for one in comparison.available} == set(MODELS)
    results = {result.model: result for result in comparison.results}
    assert set(results) == {one.model for one in comparison.available if not one.missing}
    for result in results.values():
        assert not result.cannot, f"{result.model}: {result.cannot}"
        assert result.figures
    missing = [f"{one.model} ({one.variant}): {'; '.join(one.missing)}" for one in comparison.available if one.missing]
    assert not (IN_CI and missing), missing
    figures(f"rproxy compare: {len(results)} models in {comparison.seconds:.0f} s; not here: {missing or 'none'}")


def test_without_programs_the_list_says_what_to_install() -> None:
    told = subprocess.run(
        (*RPROXY, "compare", "--list"), cwd=ROOT, env={**os.environ, "PATH": ONLY_PYTHON},
        capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    for program, package in (("caddy", "caddy"), ("socat", "socat"), ("beanstalkd", "beanstalkd"), ("ruby", "ruby")):
        assert f"{program} is not installed: apt-get install {package}" in " ".join(told.stdout.split())


@pytest.mark.soak
def test_on_a_machine_with_only_python_every_model_that_needs_nothing_extra_runs(tmp_path: Path) -> None:
    comparison = compare(tmp_path, ONLY_PYTHON)
    assert {result.model for result in comparison.results if result.figures} >= NEED_NOTHING
    assert all(one.missing for one in comparison.available if one.model in ("caddy", "socat-loop", "systemd"))
