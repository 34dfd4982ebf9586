"""The loop around socat, in zsh and in sh; and what it was written for: ffmpeg converts files that others name."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from proxy.core.address import TcpAddress, parse_address
from proxy.lab.application import SAMPLE, parse_application
from proxy.lab.deployment import DeploymentSpec
from proxy.lab.load.jobs.sender import Sent, send_jobs
from proxy.lab.models.socat_loop import Loops, SocatLoop
from tests.clients.support import program, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from proxy.lab.deployment import Deployment
    from tests.conftest import Figures

FFMPEG = 'ffmpeg -nostdin -loglevel error -y -i "$job" "${job%.wav}.ogg"'


async def do(deployed: Deployment, jobs: Sequence[str]) -> Sent:
    """Until the loops wait again."""
    assert isinstance(deployed, Loops)
    address, sent = parse_address(deployed.target), Sent()
    assert isinstance(address, TcpAddress)
    await send_jobs(address, jobs, "eof", apart=0.0, give_up=30.0, sent=sent)
    await deployed.settled()
    return sent


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["zsh", "sh"])
async def test_every_loop_takes_jobs(shell: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program("socat")
    program(shell)
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "zsh" != shell else which(name))
    async with SocatLoop().deploying("eof", DeploymentSpec(SAMPLE, 2, directory)) as deployed:
        assert f"{shell} -c" in deployed.description
        names = [f"{letter} 0.03" for letter in "abcdef"]
        await do(deployed, names)
        assert isinstance(deployed, Loops)
        taken = deployed.taken()
    assert taken.keys() == {1, 2}
    assert {job for jobs in taken.values() for job in jobs} == set(names)


@pytest.mark.slow
async def test_ffmpeg_converts_what_is_named(directory: Path, figures: Figures) -> None:
    """Whoever is idle takes the next one."""
    for name in ("socat", "ffmpeg", "ffprobe"):
        program(name, "ffmpeg" if name == "ffprobe" else name)
    waves = [directory / f"{number}.wav" for number in range(6)]
    run("ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "sine=duration=1", str(waves[0]))
    for wave in waves[1:]:
        shutil.copy(waves[0], wave)
    async with SocatLoop(FFMPEG).deploying("eof", DeploymentSpec(SAMPLE, 2, directory)) as deployed:
        sent = await do(deployed, list(map(str, waves)))
        assert isinstance(deployed, Loops)
        counts = [len(jobs) for jobs in deployed.taken().values()]
    figures(f"socat-loop: 6 conversions by ffmpeg in 2 loops: {counts}, {sent.refused + sent.reset} tries came again")
    assert min(counts) >= 1
    for wave in waves:
        assert _seconds(wave.with_suffix(".ogg")) == pytest.approx(1.0, abs=0.1)


def _seconds(path: Path) -> float:
    words = ("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path))
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def test_what_it_needs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    application = parse_application(["serve {port}"])
    socat, jobs = SocatLoop().missing("eof", application)
    assert socat.how == "apt-get install socat"
    assert "answers requests" in str(jobs)
