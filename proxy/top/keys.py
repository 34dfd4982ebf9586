"""Single keys from a terminal, by name, without Enter."""

from __future__ import annotations

import contextlib
import os
import termios
import tty
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What terminals send for them (ECMA-48, xterm), and letters as in less(1).
NAMES = {
    b"\x1b[A": "up", b"\x1bOA": "up", b"k": "up",
    b"\x1b[B": "down", b"\x1bOB": "down", b"j": "down", b"\r": "down", b"\n": "down",
    b"\x1b[5~": "page-up", b"b": "page-up",
    b"\x1b[6~": "page-down", b" ": "page-down",
    b"\x1b[H": "home", b"\x1b[1~": "home", b"g": "home",
    b"\x1b[F": "end", b"\x1b[4~": "end", b"G": "end",
    b"q": "quit", b"Q": "quit",
}  # fmt: skip


@contextlib.contextmanager
def single(fd: int) -> Iterator[None]:
    """Without lines and echo within the block; Ctrl-C still interrupts. The terminal is as it was afterwards."""
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


async def listen(fd: int, press: Callable[[str], None]) -> None:
    """Calls `press` with a name of `NAMES` for each key, until the terminal is gone. Unknown keys are passed over."""
    while True:
        await trio.lowlevel.wait_readable(fd)
        data = os.read(fd, 64)
        if not data:
            return
        for name in named(data):
            press(name)


def named(data: bytes) -> list[str]:
    """A terminal sends a key in one piece; held down, several keys may come together."""
    found = []
    while data:
        size = next((size for size in range(min(4, len(data)), 0, -1) if data[:size] in NAMES), 0)
        if size:
            found.append(NAMES[data[:size]])
        data = data[size or 1 :]
    return found
