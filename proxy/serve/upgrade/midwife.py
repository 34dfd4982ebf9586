"""Starts a command, and is its parent until it serves: `python midwife.py PARENT_PID COMMAND …`.

systemd wants the main process of a service to be a child of its own: of another one it does not see the end, and on a
stop with KillMode=mixed it does not wait for it between SIGTERM and SIGKILL ("Supervising process … which is not our
child"). A process whose parent has ended becomes the child of systemd, which looks at that when it is told MAINPID. So
the successor is started by a process in between, which is killed when it is no longer needed.

Until then: exits as the command does; SIGTERM, or the end of the parent, ends the command, after GRACE by force.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
GRACE = 5  # seconds between SIGTERM and SIGKILL


def main() -> int:
    _, parent, *command = sys.argv
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the command too, and that decides
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores these two, and what is ignored stays so through an exec
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr)
            os._exit(127)

    def end(_number: int, _frame: object) -> None:
        os.kill(child, signal.SIGTERM)
        signal.alarm(GRACE)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):  # it died before we could ask
            os.kill(child, signal.SIGTERM)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if status >= 0 else 128 - status  # as a shell tells the signal that ended it


if __name__ == "__main__":
    sys.exit(main())
