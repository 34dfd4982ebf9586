"""A private systemd of a deployment: given unit files and orders, asked what it runs, and gone at the end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from proxy.lab.deployment import DeployError
from proxy.lab.emit.located import SEARCH
from proxy.lab.systemd.private import NoSystemd, PrivateSystemd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

LOOK = 0.01  # seconds between two looks whether it is up, or gone
END = 5.0  # seconds for an orderly end: services have half of it between SIGTERM and SIGKILL
LAST_WORDS = 20  # lines of the journal in an error
# What belongs to the session or the service that we are in, and would be wrong in another one.
_OURS = re.compile(r"(XDG|DBUS|LISTEN|WATCHDOG|SYSTEMD)_.*|NOTIFY_SOCKET|MAINPID|INVOCATION_ID|JOURNAL_STREAM")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Manager:
    def __init__(self, private: PrivateSystemd) -> None:
        self._private = private

    @property
    def pid(self) -> int:
        """Of systemd itself, as seen from outside."""
        return self._private.manager

    def main_processes(self) -> dict[str, int]:
        """The process that it started for each unit, as seen from outside."""
        return self._private.main_processes()

    async def install(self, files: Mapping[str, str]) -> None:
        """Unit files by name, for those that are loaded later too."""
        for name, text in files.items():
            (self._private.units / name).write_text(text)
        await self.do("daemon-reload")

    async def run(self, *words: str, environment: Mapping[str, str] | None = None) -> str:
        """What a command said inside, on both outputs."""
        said = await trio.run_process(
            self._private.inside(*words),
            env=self._private.environment | dict(environment or {}),
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return said.stdout.decode(errors="replace")

    async def ctl(self, *words: str) -> str:
        """systemctl; 7 ms and what the order takes."""
        return await self.run("systemctl", "--user", "--no-pager", *words)

    async def do(self, *words: str) -> None:
        """systemctl, for what says nothing when it works. Raises DeployError with what it said."""
        said = await self.ctl(*words)
        if said:
            raise DeployError(f"systemctl {' '.join(words)}: {said.strip()}\n{await self.last_words()}")

    async def show(self, unit: str, *properties: str) -> dict[str, str]:
        lines = (await self.ctl("show", unit, "-p", ",".join(properties))).splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    async def last_words(self) -> str:
        """Of all units and of systemd about them."""
        journal = ("journalctl", "-D", "/run/log/journal", "--no-pager", "--output=cat", f"--lines={LAST_WORDS}")
        return (await self.run(*journal)).strip()

    async def give_environment(self) -> None:
        """Ours to all services, as whatever else deploys an application passes it on."""
        ours = {name: value for name, value in os.environ.items() if _may_pass(name, value)} | {"PATH": SEARCH}
        # Values go through the environment of systemctl: its arguments, everybody may read.
        said = await self.run("systemctl", "--user", "import-environment", *ours, environment=ours)
        if said:
            raise DeployError(f"systemctl import-environment: {said.strip()}")


def _may_pass(name: str, value: str) -> bool:
    """What systemd takes: it refuses all when one of them has a control character or is not UTF-8."""
    is_text = value.isprintable() or value.replace("\n", "").replace("\t", "").isprintable()
    return bool(_NAME.fullmatch(name)) and not _OURS.fullmatch(name) and is_text


@asynccontextmanager
async def private_systemd(directory: Path, deadline: float) -> AsyncIterator[Manager]:
    """Up when the block begins; behind it everything that ran in it is gone, and `directory` is removed. directory: an
    absolute path that does not exist yet. deadline: seconds to come up; it takes a fifth of one.

    Raises DeployError."""
    os.mkdir(directory)
    private = PrivateSystemd(directory)
    try:
        await _until_up(private, deadline)
        manager = Manager(private)
        await manager.give_environment()
        yield manager
    finally:
        with trio.CancelScope(shield=True):  # at most END
            await _end(private)
        shutil.rmtree(directory, ignore_errors=True)


async def _until_up(private: PrivateSystemd, deadline: float) -> None:
    try:
        with trio.fail_after(deadline):
            while not private.is_up():  # noqa: ASYNC110 - nobody tells us
                await trio.sleep(LOOK)
    except NoSystemd as error:
        raise DeployError(f"no private systemd here: {error}") from error
    except trio.TooSlowError:
        raise DeployError(f"a private systemd was not up after {deadline:g} s") from None


async def _end(private: PrivateSystemd) -> None:
    private.let_go()
    with trio.move_on_after(END):
        while not private.has_ended:  # noqa: ASYNC110 - bounded, and rare enough
            await trio.sleep(LOOK)
    private.kill()
    private.sweep()
