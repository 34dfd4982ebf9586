"""Real processes that start others."""

from __future__ import annotations

import os
import subprocess

from proxy.lab.measure.families import family, read_parents
from tests.processes import wait_until


def test_a_process_with_what_it_started_and_without_what_has_ended() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & sleep 60 & echo; wait"], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        found = family([shell.pid], read_parents())
        assert shell.pid in found
        assert len(found) == 3
        for pid in set(found) - {shell.pid}:
            os.kill(pid, 9)
        shell.wait()
    wait_until(lambda: not family(found, read_parents()))


def test_each_once_whatever_the_roots() -> None:
    parents = {1: 0, 2: 1, 3: 2, 4: 1, 5: 0}
    assert family([3, 2, 1, 9], parents) == [1, 2, 3, 4]
