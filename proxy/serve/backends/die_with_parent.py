"""Becomes a command that gets SIGTERM when its parent dies:
`python die_with_parent.py PARENT_PID [--no-new-privileges] COMMAND …`.

A parent that is killed with SIGKILL cannot end its children, so the kernel has to (prctl(2), PR_SET_PDEATHSIG). Doing
this in a program that execs the command, and not in subprocess's `preexec_fn`, keeps the parent free of a fork that
runs Python, which is unsafe with threads. It costs one interpreter start.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_NO_NEW_PRIVS = 38
NO_NEW_PRIVILEGES = "--no-new-privileges"  # before the command: nothing in it gains rights by a set-user-ID bit


def ask_for_signal(parent: int) -> None:
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we could ask
        raise SystemExit(1)


def refuse_new_privileges() -> None:
    if ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise SystemExit("prctl(PR_SET_NO_NEW_PRIVS) failed")


def restore_signals() -> None:
    """Python ignores these two, and what is ignored stays ignored through an exec."""
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def main() -> None:
    _, parent, *command = sys.argv
    ask_for_signal(int(parent))
    if command[0] == NO_NEW_PRIVILEGES:
        refuse_new_privileges()
        del command[0]
    restore_signals()
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        raise SystemExit(127) from None  # what a shell answers


if __name__ == "__main__":
    main()
