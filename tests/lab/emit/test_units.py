"""What is written for each model serves when a real systemd has it, and is gone when it is stopped."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from proxy.lab.application import SAMPLE, BadApplication, parse_application
from proxy.lab.emit.rproxy_unit import NAME
from proxy.lab.emit.units import NoUnits, Wish, units_for
from tests.processes import free_port, is_listening, request, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.lab.emit.units import Files
    from tests.systemd.lab import Lab

OTHER_CONFIG = "[Service]\nExecStart=\nExecStart={python} -m proxy --config {config}\n"


def install(lab: Lab, files: Files) -> None:
    """As `Files.commands` says, but for what may not be written here: /etc."""
    for name, text in files.units.items():
        lab.write(name, text)
    for text in files.configs.values():
        path = lab.directory / "lb.toml"
        path.write_text(text)
        lab.write(f"{NAME}.d/lab.conf", OTHER_CONFIG.format(python=sys.executable, config=path))
        lab.run("mkdir", "-p", "/run/rproxy")  # a user's manager makes that elsewhere
    lab.reload_units()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "variant"),
    [
        ("direct", ""),
        ("prefork", ""),
        ("reuseport", ""),
        ("systemd-accept", ""),
        ("systemd-socket", "instances"),
        ("systemd-socket", "one-service"),
        ("proxy-unix", "round-robin"),
    ],
)
def test_it_serves_and_is_stopped(lab: Lab, model: str, variant: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    files = units_for(model, variant, Wish(SAMPLE, 2, address, name=f"a-{model}"))
    install(lab, files)
    lab.do("start", files.enable)
    wait_until(lambda: is_listening(address))
    assert request(address).status == 200
    lab.do("stop", files.enable)
    wait_until(lambda: not is_listening(address))


def test_files_are_written_and_the_commands_name_all_of_them(tmp_path: Path) -> None:
    files = units_for("proxy-unix", "", Wish(SAMPLE, 2, "0.0.0.0:80", user="app"))
    directory = tmp_path / "not there yet"
    files.write(str(directory))
    assert {path.name for path in directory.iterdir()} == set(files.names) == {"lb.toml", "rproxy.service"}
    assert "\nUser=app\n" in (directory / "rproxy.service").read_text()
    assert 'listen = "0.0.0.0:80"' in (directory / "lb.toml").read_text()
    install, reload, enable = files.commands(str(directory))
    assert f"'{directory}/lb.toml' /etc/rproxy/lb.toml" in install
    assert f"'{directory}/rproxy.service' /etc/systemd/system/" in install
    assert (reload, enable) == ("systemctl daemon-reload", "systemctl enable --now rproxy.service")


@pytest.mark.parametrize(
    ("model", "listen", "message"),
    [
        ("nonsense", "127.0.0.1:80", "nonsense: no units for that; there are some for direct, "),
        ("proxy-unix", "127.0.0.1:80", "--app 'COMMAND {socket}'"),
        ("direct", "unix:/run/x", "an IP address and a port"),
        ("direct", "localhost:80", "an IP address and a port"),
        ("direct", "127.0.0.1:0", "an IP address and a port"),
    ],
)
def test_what_cannot_be_written_is_told(model: str, listen: str, message: str) -> None:
    with pytest.raises(NoUnits) as caught:
        units_for(model, "", Wish(parse_application(["cat {port}"]), 2, listen))
    assert message in str(caught.value)
    with pytest.raises(BadApplication, match="nothing-of-that-name: not found"):
        units_for("direct", "", Wish(parse_application(["nothing-of-that-name {port}"])))
