"""Pre-fork: several processes accept from one listening socket, as Apache did it. One connection at a time per process.

python -m backends.prefork --listen 127.0.0.1:9001 --workers 4
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from backends._listen import announce, exit_on_sigterm, listening
from backends._tiny import answer_with_pid

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

PR_SET_PDEATHSIG = 1  # linux/prctl.h
RESPAWN_PAUSE = 0.1  # a worker that dies at once must not make us fork in a tight loop


def serve(sock: socket.socket, name: str) -> NoReturn:
    """Blocks in accept, where the kernel wakes one process per connection, and those that wait in turn."""
    while True:
        connection, _ = sock.accept()
        with connection, connection.makefile("rwb") as stream, contextlib.suppress(OSError, ValueError):
            answer_with_pid(stream, stream, name)


@contextlib.contextmanager
def sigterm_deferred() -> Iterator[None]:
    """Around a fork. Else the child can lose it before it has a handler, and the parent can lose the child."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def fork_worker(sock: socket.socket, number: int) -> int:
    if pid := os.fork():
        return pid
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        die_with_parent()
        serve(sock, f"worker-{number}")
    finally:
        os._exit(1)  # never through the parent's clean-up, which ends all workers


def die_with_parent() -> None:
    """A parent that is killed cannot tell its workers, and they would go on listening."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def supervise(sock: socket.socket, count: int) -> NoReturn:
    workers: dict[int, int] = {}
    try:
        for number in range(1, count + 1):
            with sigterm_deferred():
                workers[fork_worker(sock, number)] = number
        while True:
            pid, status = os.wait()
            number = workers.pop(pid)
            print(f"worker-{number} ended with status {os.waitstatus_to_exitcode(status)}", file=sys.stderr, flush=True)
            time.sleep(RESPAWN_PAUSE)
            with sigterm_deferred():
                workers[fork_worker(sock, number)] = number
    finally:
        end(list(workers))


def end(pids: list[int]) -> None:
    """One of them may be gone: SIGTERM can reach us between `os.wait` and our taking note of what it returned."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m backends.prefork")
    parser.add_argument("--listen", required=True, metavar="ADDRESS", help="host:port, unix:/path or unix:@name")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    args = parser.parse_args()
    exit_on_sigterm()
    with contextlib.suppress(KeyboardInterrupt), listening(args.listen) as sock:
        announce("prefork", sock)
        supervise(sock, args.workers)


if __name__ == "__main__":
    main()
