"""What the service manager is told: ready, reloading, stopping, alive, and which sockets to keep (sd_notify(3)).

One datagram each to a Unix socket, so no library is needed. Without NOTIFY_SOCKET, on a terminal or in a container,
all of it does nothing: a program that insisted on it would crash-loop under a unit of another type.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

log = logging.getLogger("rproxy.systemd")

SEND_TIMEOUT = (
    1.0  # seconds; the manager's queue is full only while it does not run, and then nobody restarts us either
)
MAX_DESCRIPTORS = 200  # in one message; the kernel takes 253 (SCM_MAX_FD)
VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Notifier:
    """watchdog: seconds within which the manager wants to hear `alive`, 0 if it does not ask. Nothing here raises."""

    def __init__(self, address: str | None = None, watchdog: float = 0.0) -> None:
        """address: a path, or `@name` in the abstract name space; None says nothing to nobody."""
        self.address = address
        self.watchdog = watchdog if address else 0.0
        self._is_told = False  # that it cannot be reached

    @property
    def is_heard(self) -> bool:
        """Whether there is a manager."""
        return self.address is not None

    def ready(self, status: str = "") -> None:
        """Also the end of `reloading`. status: one line that `systemctl status` shows."""
        self._send("READY=1", _status(status))

    def reloading(self) -> None:
        """The time is how Type=notify-reload tells the reload that it asked for from an earlier one."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self, seconds: float, status: str = "") -> None:
        """seconds: how long it may take, beyond TimeoutStopSec= if need be."""
        self._send("STOPPING=1", f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}", _status(status))

    def status(self, text: str) -> None:
        self._send(_status(text))

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def main_pid(self, pid: int) -> None:
        """The service goes on in another process; only our word for it counts (NotifyAccess=main), and only now."""
        self._send(f"MAINPID={pid}")

    def store(self, name: str, sockets: Sequence[socket.socket]) -> None:
        """The manager keeps duplicates open until `forget` or a stop, and passes them to the next start under `name`
        (FileDescriptorStoreMax=). One that it has already is not kept twice."""
        for start in range(0, len(sockets), MAX_DESCRIPTORS):
            part = sockets[start : start + MAX_DESCRIPTORS]
            self._send("FDSTORE=1", f"FDNAME={name}", descriptors=[sock.fileno() for sock in part])

    def forget(self, name: str) -> None:
        """All of that name."""
        self._send("FDSTOREREMOVE=1", f"FDNAME={name}")

    def _send(self, *lines: str, descriptors: Sequence[int] = ()) -> None:
        if self.address is None:
            return
        message = "\n".join(filter(None, lines)).encode()
        target = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.settimeout(SEND_TIMEOUT)
                sock.connect(target)  # send_fds of 3.11 forgets the address that it is given
                socket.send_fds(sock, [message], list(descriptors))
        except OSError as error:
            if not self._is_told:
                self._is_told = True
                log.warning("the service manager at %s cannot be told: %s", self.address, error)


def _status(text: str) -> str:
    return "STATUS=" + " ".join(text.split()) if text else ""


def from_environment(environ: MutableMapping[str, str] | None = None) -> Notifier:
    """Takes the variables out: the processes that we start have nothing to say to our manager."""
    environ = os.environ if environ is None else environ
    address, microseconds, pid = (environ.pop(name, "") for name in VARIABLES)
    if address and not address.startswith(("/", "@")):
        log.warning("NOTIFY_SOCKET=%s is no Unix socket: the service manager is told nothing", address)
        address = ""
    is_for_us = not pid or pid == str(os.getpid())
    seconds = int(microseconds) / 1e6 if microseconds.isdigit() and is_for_us else 0.0
    return Notifier(address or None, seconds)


def to_environment(notifier: Notifier) -> dict[str, str]:
    """What a successor of ours needs to speak to the same manager. Without WATCHDOG_PID: its pid is not known yet."""
    if notifier.address is None:
        return {}
    watchdog = {"WATCHDOG_USEC": str(int(notifier.watchdog * 1e6))} if notifier.watchdog else {}
    return {"NOTIFY_SOCKET": notifier.address, **watchdog}
