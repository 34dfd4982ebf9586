"""The process that forks workers, started by its supervisor: `python -m proxy.serve.workers.spawner DESCRIPTOR`.

A program that runs tasks and threads must not fork, and one that is started anew imports for half a second. So this one
imports all that a worker needs, and then does nothing but fork when it is asked to, which takes 5 ms. What it imported
it shares with its workers: a worker's own memory is what it writes to.

A request is a JSON datagram, `{"id": 7, "worker": 1}`, with the socket that the worker is to use. It is answered with
`{"id": 7, "pid": 1234}` and a pidfd, or with `{"id": 7, "error": "…"}`. When a worker ends, that is told with
`{"pid": 1234, "status": -9}`. When nobody is left to ask, this process ends after its workers, which have channels of
their own and learn of it, too.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    Work = Callable[[int, socket.socket], int]  # number, channel; the exit status

ORPHANED = 5.0  # seconds that a worker without a supervisor has for what runs: nobody is left to say how long
LONGEST_END = ORPHANED + 3.0  # its access logs may take two more
CRASHED = 70  # EX_SOFTWARE of sysexits.h
# A terminal's Ctrl-C, and systemd's SIGTERM, reach every process of ours. It is the supervisor that acts on them.
SUPERVISORS_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def main(work: Work) -> None:
    with socket.socket(fileno=int(sys.argv[1])) as asking:
        for number in SUPERVISORS_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        name_process("rproxy spawner")
        gc.collect()
        gc.freeze()  # a collection writes to every object that it looks at, and would copy every page
        Spawner(asking, work).run()


class Spawner:
    """Forks workers as it is asked to, and reaps them."""

    def __init__(self, asking: socket.socket, work: Work) -> None:
        self._asking = asking
        self._work = work
        self._pids: dict[int, int] = {}  # by pidfd

    def run(self) -> None:
        """Until nobody can ask any more."""
        poll = select.poll()
        poll.register(self._asking, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._asking.fileno():
                    data, passed, _, _ = socket.recv_fds(self._asking, 4096, 1)
                    if not data:
                        return self._end()
                    pidfd = self._spawn(json.loads(data), socket.socket(fileno=passed[0]))
                    if pidfd is not None:
                        poll.register(pidfd, select.POLLIN)
                else:
                    poll.unregister(descriptor)
                    self._reap(descriptor)

    def _end(self) -> None:
        """The supervisor is gone. Workers end by themselves then, but for those that hang, and would keep its ports."""
        poll = select.poll()
        for pidfd in self._pids:
            poll.register(pidfd, select.POLLIN)
        deadline = monotonic() + LONGEST_END
        while self._pids and (left := deadline - monotonic()) > 0:
            for pidfd, _ in poll.poll(left * 1000):
                poll.unregister(pidfd)
                self._reap(pidfd)
        for pidfd in self._pids:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)

    def _spawn(self, request: dict[str, int], channel: socket.socket) -> int | None:
        """The pidfd of a new worker, which is told to whoever asked."""
        with channel:
            try:
                pid = os.fork()
            except OSError as error:  # no more processes, no more memory
                self._tell({"id": request["id"], "error": f"cannot fork: {error.strerror}"})
                return None
            if not pid:
                self._become_worker(request["worker"], channel)
        pidfd = os.pidfd_open(pid)  # it is not reaped yet, so this pid is nobody else's
        self._pids[pidfd] = pid
        self._tell({"id": request["id"], "pid": pid}, pidfd)
        return pidfd

    def _become_worker(self, number: int, channel: socket.socket) -> NoReturn:
        """Whatever happens, nothing of the spawner's own runs in the new process."""
        status = CRASHED
        try:
            self._asking.close()
            for pidfd in self._pids:
                os.close(pidfd)
            name_process(f"rproxy worker {number}"[:15])
            status = self._work(number, channel)
        except BaseException:  # noqa: BLE001 - there is nobody above to take it
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _reap(self, pidfd: int) -> None:
        pid = self._pids.pop(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(pid, 0)
        self._tell({"pid": pid, "status": os.waitstatus_to_exitcode(status)})

    def _tell(self, answer: dict[str, int | str], *descriptors: int) -> None:
        try:
            socket.send_fds(self._asking, [json.dumps(answer).encode()], descriptors)
        except BrokenPipeError:
            pass  # the next look finds the end


def name_process(name: str) -> None:
    """What `top`, `ss -p` and the kernel's own messages call it, besides its command line; at most 15 bytes."""
    with open("/proc/self/comm", "w") as comm:
        comm.write(name)


if __name__ == "__main__":
    from proxy.serve.workers import worker

    worker.prepare()
    main(worker.main)
