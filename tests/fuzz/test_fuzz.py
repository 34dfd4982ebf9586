"""Each target with what a fuzzer begins with, and then for some seconds with the fuzzer."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.clients.support import module
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS
from tests.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.conftest import Figures

BRIEF = {"request": 4, "response": 4, "chunks": 3}  # seconds; 2 for the others
LONG = 300


class Done(NamedTuple):
    seconds: int
    status: int
    output: str
    errors: str


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_what_a_fuzzer_begins_with(target: str) -> None:
    for seed in seeds(target):
        TARGETS[target](seed)


@pytest.fixture(scope="module")
def fuzzed(soaking: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Future[Done]]]:
    """All targets, one on each processor: most of the time a brief one takes is that of its start."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        yield {
            target: threads.submit(
                fuzz, target, LONG if soaking else BRIEF.get(target, 2), tmp_path_factory.mktemp("f")
            )
            for target in TARGETS
        }


def fuzz(target: str, seconds: int, directory: Path) -> Done:
    command = [sys.executable, "-m", "tests.fuzz", target, str(seconds), str(directory)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 60, check=False)
    return Done(seconds, done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found_in_some_seconds(target: str, fuzzed: Mapping[str, Future[Done]], figures: Figures) -> None:
    module("atheris")
    done = fuzzed[target].result()
    assert done.status == 0, (done.output + done.errors)[-3000:]
    runs = done.errors.partition("number_of_executed_units: ")[2].partition("\n")[0]
    figures(f"fuzzing {target}: {int(runs):,} inputs in {done.seconds} s, nothing found")
