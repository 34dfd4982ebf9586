"""Keys, from a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import termios

import pytest
import trio

from proxy.top import keys


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"q", ["quit"]),
        (b"\x1b[A", ["up"]),
        (b"\x1bOB", ["down"]),
        (b"\x1b[6~\x1b[6~ ", ["page-down"] * 3),
        (b"xyz", []),
        (b"\x1b[99~q", ["quit"]),
        (b"\x1b", []),
        (b"", []),
    ],
)
def test_names(data: bytes, names: list[str]) -> None:
    assert keys.named(data) == names


async def test_single_keys_without_enter_or_echo() -> None:
    ours, theirs = pty.openpty()
    pressed: list[str] = []
    try:
        before = termios.tcgetattr(theirs)
        with keys.single(theirs), trio.fail_after(5):
            os.write(ours, b"jG")
            async with trio.open_nursery() as nursery:

                def press(name: str) -> None:
                    pressed.append(name)
                    if name == "end":
                        nursery.cancel_scope.cancel()

                nursery.start_soon(keys.listen, theirs, press)
        assert pressed == ["down", "end"]
        assert termios.tcgetattr(theirs) == before
    finally:
        os.close(ours)
        os.close(theirs)
