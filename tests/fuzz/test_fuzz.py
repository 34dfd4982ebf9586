"""Each target with what a fuzzer begins with, and then for some seconds with the fuzzer."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import module
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS
from tests.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Figures

BRIEF = {"request": 4, "response": 4, "chunks": 3}  # seconds; 2 for the others
LONG = 300


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_what_a_fuzzer_begins_with(target: str) -> None:
    for seed in seeds(target):
        TARGETS[target](seed)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found_in_some_seconds(target: str, tmp_path: Path, soaking: bool, figures: Figures) -> None:
    module("atheris")
    seconds = LONG if soaking else BRIEF.get(target, 2)
    command = [sys.executable, "-m", "tests.fuzz", target, str(seconds), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 60, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    runs = done.stderr.partition("number_of_executed_units: ")[2].partition("\n")[0]
    figures(f"fuzzing {target}: {int(runs):,} inputs in {seconds} s, nothing found")
