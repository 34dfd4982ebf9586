"""Children told apart by a mark in their environment or by the name that they give themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from proxy.lab.deployment import CannotDo, Worker
from proxy.lab.models.whose import children_of, kill_one, marked, marked_workers, named_workers
from tests.processes import start_process, wait_until

PARENT = """
import signal, subprocess, sys
for number in ("2", "1"):
    subprocess.Popen([word.replace("@", number) for word in sys.argv[1:]])
signal.pause()
"""


def test_children_are_known_by_their_marks() -> None:
    command = (sys.executable, "-c", PARENT, *marked(("sleep", "60"), "@"))
    with start_process(command) as parent:
        wait_until(lambda: len(marked_workers([parent.pid])) == 2)
        workers = marked_workers([parent.pid])
        assert [worker.number for worker in workers] == [1, 2]
        assert {worker.pid for worker in workers} == set(children_of(parent.pid))
        kill_one(workers, 1)
        wait_until(lambda: marked_workers([parent.pid]) == workers[1:])  # a zombie is none


def test_children_are_known_by_their_names() -> None:
    name = "import ctypes, time; ctypes.CDLL(None).prctl(15, b'worker-@'); time.sleep(60)"
    with start_process((sys.executable, "-c", PARENT, sys.executable, "-c", name)) as parent:
        wait_until(lambda: [worker.number for worker in named_workers(parent.pid)] == [1, 2])
        for worker in named_workers(parent.pid):
            os.kill(worker.pid, signal.SIGKILL)


def test_nobody_has_a_number_that_is_not_there() -> None:
    with pytest.raises(CannotDo, match="no worker 3"):
        kill_one([Worker(1, os.getpid())], 3)


def test_the_ended_have_no_children() -> None:
    process = subprocess.Popen(("true",))
    process.wait()
    assert children_of(process.pid) == []
