"""A process that takes a known amount."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from proxy.lab.measure.memory import NotTold, proportional_set_size

MIB = 1 << 20
HOLD = "import os, sys; held = b'x' * int(sys.argv[1]); os.fork() if sys.argv[2:] else 0; print(flush=True); input()"


def measured(*words: str) -> int:
    """Of a program that holds so many bytes, and of the children it has forked."""
    command = [sys.executable, "-c", HOLD, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        if words[1:]:
            process.stdout.readline()
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
            found = proportional_set_size([process.pid, *map(int, children.read().split())])
        process.stdin.close()
        process.stdout.read()
    return found


def test_what_is_held_is_counted_and_what_is_shared_only_once() -> None:
    little, much, forked = measured("0"), measured(str(64 * MIB)), measured(str(64 * MIB), "fork")
    assert 60 * MIB < much - little < 70 * MIB
    assert forked - much < 32 * MIB, "a copy would be 64"


def test_who_has_ended_takes_nothing() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert proportional_set_size([process.pid]) == 0


def test_whose_memory_we_may_not_read_is_told() -> None:
    try:
        with open("/proc/1/smaps_rollup") as file:
            file.read()
    except PermissionError:
        with pytest.raises(NotTold, match="process 1 "):
            proportional_set_size([os.getpid(), 1])
    else:
        assert proportional_set_size([1]) > 0
