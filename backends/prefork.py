"""Pre-fork: several processes accept from one listening socket, as Apache did it.

python -m backends.prefork --listen 127.0.0.1:9001 --workers 4 --accept epoll

The parent starts a worker that ends again. SIGTTIN and SIGTTOU: one worker more, one less. SIGHUP: every worker is
replaced, and the old ones end what they have begun. SIGTERM: the end of all.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING

from backends._listen import announce, listening
from backends._ways_to_accept import WAYS, find_way

if TYPE_CHECKING:
    import socket

    from backends._ways_to_accept import Serve

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15  # linux/prctl.h
RESPAWN_PAUSE = 0.1  # a worker that dies at once must not make us fork in a tight loop
# Waited for, never handled: nothing can interrupt a fork, or the note of what `waitpid` has returned.
SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU}


class Parent:
    def __init__(self, sock: socket.socket, serve: Serve) -> None:
        self._sock = sock
        self._serve = serve
        self._numbers: dict[int, int] = {}  # of workers that are to be there, by pid
        self._leaving: set[int] = set()

    def run(self, count: int) -> None:
        """Until SIGTERM or SIGINT. No worker is left."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            for _ in range(count):
                self._add()
            while (number := signal.sigwait(SIGNALS)) not in (signal.SIGTERM, signal.SIGINT):
                self._obey(number)
        finally:
            for pid in list(self._numbers):
                self._dismiss(pid)
            self._reap(0)

    def _obey(self, number: int) -> None:
        if number == signal.SIGCHLD:
            self._reap(os.WNOHANG)
        elif number == signal.SIGHUP:
            self._replace_all()
        elif number == signal.SIGTTIN:
            self._add()
        elif self._numbers:
            self._dismiss(max(self._numbers, key=self._numbers.__getitem__))

    def _add(self) -> None:
        self._fork(max(self._numbers.values(), default=0) + 1)

    def _replace_all(self) -> None:
        for pid, number in list(self._numbers.items()):
            self._fork(number)
            self._dismiss(pid)

    def _dismiss(self, pid: int) -> None:
        """It is ours until it is reaped, so nobody else can have its pid."""
        del self._numbers[pid]
        self._leaving.add(pid)
        os.kill(pid, signal.SIGTERM)

    def _reap(self, options: int) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, options)) != (0, 0):
                self._take_leave(*ended)

    def _take_leave(self, pid: int, status: int) -> None:
        if pid in self._leaving:
            self._leaving.discard(pid)
            return
        number = self._numbers.pop(pid, 0)
        if not number:
            return  # somebody's orphan: in a container we may be process 1
        print(f"worker-{number} ended with status {os.waitstatus_to_exitcode(status)}", file=sys.stderr, flush=True)
        time.sleep(RESPAWN_PAUSE)
        self._fork(number)

    def _fork(self, number: int) -> None:
        if pid := os.fork():
            self._numbers[pid] = number
            return
        status = 1
        try:
            be_worker(number)
            with contextlib.suppress(SystemExit):
                self._serve(self._sock, f"worker-{number}")
            status = 0
        finally:  # never through the parent's clean-up, which ends all workers
            if status:
                traceback.print_exc()
            os._exit(status)


def be_worker(number: int) -> None:
    """Its name as `ps` and `top` show it; and a parent that is killed cannot tell its workers to end, who would go on
    listening."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends us
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        prctl(PR_SET_NAME, f"worker-{number}".encode())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m backends.prefork")
    parser.add_argument("--listen", required=True, metavar="ADDRESS", help="host:port, unix:/path or unix:@name")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--accept", choices=WAYS, default="blocking", help="how a worker waits; default %(default)s")
    args = parser.parse_args()
    serve = find_way(args.accept)
    with listening(args.listen) as sock:
        announce("prefork", sock)
        Parent(sock, serve).run(args.workers)


if __name__ == "__main__":
    main()
