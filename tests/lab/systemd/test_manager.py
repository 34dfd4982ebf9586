"""A private systemd in a deployment: it does what it is told, says what it refuses, and leaves nothing, also when
cancelled."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio

from proxy.lab.deployment import DeployError
from proxy.lab.systemd.manager import Manager, private_systemd
from tests.lab.systemd.support import systemd_needed
from tests.processes import DEADLINE

pytestmark = pytest.mark.slow
FAILS = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo no licence; exit 3'\n"
SLEEP = b"/bin/sleep\x001000\x00"
SLEEPER = "[Service]\nExecStart=/bin/sleep 1000\n"


@pytest.fixture(autouse=True)
def _systemd() -> None:
    systemd_needed()


def exists(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def command_line(pid: int) -> bytes:
    """None of process 0, which there is not."""
    return Path(f"/proc/{pid}/cmdline").read_bytes() if pid else b""


async def started(manager: Manager, unit: str) -> int:
    """Its process, as soon as that is no copy of systemd any more."""
    with trio.fail_after(DEADLINE):
        while command_line(manager.main_processes().get(unit, 0)) != SLEEP:  # noqa: ASYNC110
            await trio.sleep(0.01)
    return manager.main_processes()[unit]


async def test_processes_are_known_from_outside_and_gone_with_the_block(tmp_path: Path) -> None:
    async with private_systemd(tmp_path / "systemd", DEADLINE) as manager:
        await manager.install({"sleeper@.service": SLEEPER})
        await manager.do("start", "sleeper@1.service", "sleeper@2.service")
        pids = [await started(manager, f"sleeper@{number}.service") for number in (1, 2)]
        assert len(set(pids)) == 2
        systemd = manager.pid
    for pid in (*pids, systemd):
        assert not exists(pid)
    assert not os.listdir(tmp_path)


async def test_a_refused_order_has_its_reason(tmp_path: Path) -> None:
    async with private_systemd(tmp_path / "systemd", DEADLINE) as manager:
        with pytest.raises(DeployError, match=r"systemctl start nobody\.service: .*not found"):
            await manager.do("start", "nobody.service")
        await manager.install({"fails.service": FAILS})
        with pytest.raises(DeployError, match="no licence"):
            await manager.do("start", "fails.service")
        assert await manager.show("fails.service", "ActiveState") == {"ActiveState": "failed"}


async def test_services_have_our_environment_but_for_what_is_our_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///it's mine")
    monkeypatch.setenv("LISTEN_FDS", "7")
    monkeypatch.setenv("ODD", "\1")
    out = tmp_path / "out"
    async with private_systemd(tmp_path / "systemd", DEADLINE) as manager:
        await manager.install({"env.service": f"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'env >{out}'"})
        await manager.do("start", "env.service")
    lines = out.read_text().splitlines()
    assert "DATABASE_URL=postgresql:///it's mine" in lines
    assert f"HOME={os.environ['HOME']}" in lines
    assert not [line for line in lines if line.startswith(("LISTEN_FDS", "ODD"))]


async def test_services_find_in_run_what_others_have_put_there(tmp_path: Path) -> None:
    """The socket of a database, say; systemd itself has its own."""
    theirs = {name for name in os.listdir("/run") if name[0] != "." and name not in ("systemd", "udev", "log", "mount")}
    async with private_systemd(tmp_path / "systemd", DEADLINE) as manager:
        assert theirs <= set((await manager.run("ls", "-A", "/run")).split("\n"))


async def test_cancelled_it_leaves_nothing(tmp_path: Path) -> None:
    with trio.CancelScope() as scope:
        async with private_systemd(tmp_path / "systemd", DEADLINE) as manager:
            await manager.install({"sleeper.service": SLEEPER})
            await manager.do("start", "sleeper.service")
            pid = await started(manager, "sleeper.service")
            scope.cancel()
            await trio.sleep_forever()
    assert not exists(pid)
    assert not os.listdir(tmp_path)
