"""Processes that burn a known time."""

from __future__ import annotations

import subprocess
import sys

from proxy.lab.measure.cpu import cpu_seconds

BURN = """
import sys, time
while time.process_time() < 0.2: pass
print(flush=True)
sys.stdin.read()
"""
PARENT = """
import subprocess, sys
subprocess.run([sys.executable, "-c", sys.argv[1]], stdin=subprocess.DEVNULL)
subprocess.run([sys.executable, "-c", sys.argv[1]])
"""


def test_what_it_burnt_is_counted_with_its_children_that_live_and_that_have_ended() -> None:
    command = [sys.executable, "-c", PARENT, BURN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        process.stdout.readline()  # the second has burnt, and lives
        used = cpu_seconds([process.pid])
        process.stdin.close()
    assert 0.38 < used < 2, "0.2 s each, and what it takes to start"


def test_who_has_ended_counts_nothing() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert cpu_seconds([process.pid]) == 0.0
