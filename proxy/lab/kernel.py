"""Settings of the kernel for a process: in a network namespace of its own, so that nobody else's change.

`python -m proxy.lab.kernel net.ipv4.tcp_migrate_req=1 -- COMMAND…`, started by `prefix` inside that namespace, brings
its loopback up, sets what is asked for and becomes the command.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What the lab varies, where the machine allows: by name, the values that are compared.
SETTINGS = {
    "net.ipv4.tcp_migrate_req": ("0", "1"),  # since Linux 5.14: a dying listener's queue goes to another of its group
    "net.core.somaxconn": ("128", "4096"),  # how many connections may wait; 128 was the default before Linux 5.4
}
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1  # linux/sockios.h, linux/if.h
_IFREQ = struct.Struct("16sh22x")
_PATIENCE = 10.0  # seconds to try it


def prefix(settings: Mapping[str, str]) -> list[str]:
    """Words to put before a command, which then runs under the same process id with these settings. Loopback is all
    that it has, and nobody outside reaches it; Unix sockets by path are as before, abstract ones are its own."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    pairs = [f"{name}={value}" for name, value in settings.items()]
    return ["unshare", "--net", *user, sys.executable, "-m", "proxy.lab.kernel", *pairs, "--"]


def why_not(settings: Mapping[str, str]) -> str:
    """Why a command with that prefix would not run here, tried out; empty when it would. Blocks for 50 ms."""
    if shutil.which("unshare") is None:
        return "unshare is not installed: apt-get install util-linux"
    command = [*prefix(settings), "true"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}"
    if done.returncode == 0:
        return ""
    words = done.stderr.decode(errors="replace").strip().splitlines()
    return words[-1] if words else f"{command[0]} ended with status {done.returncode}"


def apply(settings: Mapping[str, str]) -> None:
    """In the namespace of this process. Raises OSError."""
    _bring_loopback_up()
    for name, value in settings.items():
        path = Path("/proc/sys") / name.replace(".", "/")
        try:
            path.write_text(value)
        except OSError as error:
            raise OSError(error.errno, f"{name} = {value}: {error.strerror}") from error


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = fcntl.ioctl(sock, _SIOCGIFFLAGS, _IFREQ.pack(b"lo", 0))
        flags = _IFREQ.unpack(request)[1]
        fcntl.ioctl(sock, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", flags | _IFF_UP))


def main(words: Sequence[str]) -> int:
    if "--" not in words or words[-1] == "--":
        print("usage: python -m proxy.lab.kernel NAME=VALUE… -- COMMAND…", file=sys.stderr)
        return 2
    end = words.index("--")
    command = list(words[end + 1 :])
    try:
        apply(dict(pair.split("=", 1) for pair in words[:end]))
        os.execvp(command[0], command)
    except ValueError:
        print(f"{' '.join(words[:end])}: a setting is NAME=VALUE", file=sys.stderr)
    except OSError as error:
        print(error.strerror or error, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
