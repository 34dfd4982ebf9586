"""What is written for each model serves when a real systemd has it, and is gone when it is stopped."""

from __future__ import annotations

import contextlib
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxy.lab.application import SAMPLE, Application, BadApplication, parse_application
from proxy.lab.emit.units import units_for
from proxy.lab.emit.wish import NoUnits, Wish
from proxy.lab.models.registry import MODELS
from tests.clients.support import missing, program
from tests.processes import connect, free_port, is_listening, read_all, request, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.lab.emit.wish import Files
    from tests.systemd.lab import Lab

ON_SOCKETS = Application("hello", {way: words for way, words in SAMPLE.commands.items() if way != "port"})
FRONTS = ("nginx", "haproxy", "envoy", "caddy")
ALL = {
    "direct": ("direct", ""),
    "prefork": ("prefork", ""),
    "reuseport": ("reuseport", ""),
    "accept": ("systemd-accept", ""),
    "instances": ("systemd-socket", "instances"),
    "one": ("systemd-socket", "one-service"),
    "proxy": ("proxy-unix", "round-robin"),
    "queue": ("queue", ""),
    "leases": ("tuplespace", "leases"),
    **{name: (name, "") for name in FRONTS},
}


def install(lab: Lab, deployments: Iterable[Files]) -> None:
    """As `Files.commands` says, but for what may not be written here: /etc."""
    for files in deployments:
        for name, text in files.units.items():
            lab.write(name, text.replace("/etc/", f"{lab.directory}/etc/"))
        for path, text in files.configs.items():
            ours = Path(f"{lab.directory}{path}")
            ours.parent.mkdir(parents=True, exist_ok=True)
            ours.write_text(text)
        # RuntimeDirectory= of a user's manager is elsewhere.
        lab.run("mkdir", "-p", *(f"/run/{name}" for name in _directories(files)))
    lab.reload_units()


def _directories(files: Files) -> set[str]:
    found = re.findall(r"^RuntimeDirectory=(.*)$", "".join(files.units.values()), re.MULTILINE)
    return {name.replace("%i", number) for name in found for number in ("1", "2")}


@pytest.fixture(scope="module")
def installed(lab: Lab) -> dict[str, tuple[str, Files]]:
    """Address and files of each model that is not in want of a program: started, all at the same time."""
    found = {}
    for name, (model, variant) in ALL.items():
        if MODELS[model].missing(variant, SAMPLE):
            continue
        address = f"127.0.0.1:{free_port()}"
        application = ON_SOCKETS if model in FRONTS else SAMPLE
        wish = Wish(application, 2 if name == "reuseport" else 1, address, name=f"a-{name}")
        found[name] = address, units_for(model, variant, wish)
    install(lab, [files for _, files in found.values()])
    lab.do("start", *(files.enable for _, files in found.values()))
    return found


@pytest.mark.slow
def test_systemd_has_nothing_to_say_of_them(lab: Lab, installed: dict[str, tuple[str, Files]]) -> None:
    verify = ("env", f"SYSTEMD_UNIT_PATH={lab.units}:", "systemd-analyze", "verify", "--man=no")
    assert lab.run(*verify, *(str(lab.units / files.enable) for _, files in installed.values())) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_it_serves_and_is_stopped(lab: Lab, installed: dict[str, tuple[str, Files]], name: str) -> None:
    model, variant = ALL[name]
    for lacking in MODELS[model].missing(variant, SAMPLE):
        missing(str(lacking))
    address, files = installed[name]
    wait_until(lambda: is_listening(address))
    wait_until(lambda: request(address).status == 200)  # what stands in front may be there first
    lab.do("stop", files.enable)
    wait_until(lambda: not is_listening(address))


def is_done(address: str, out: Path) -> bool:
    """Whether the job was, which is sent first if somebody listens."""
    with contextlib.suppress(OSError), connect(address) as sock:
        sock.sendall(b"first\n")
        sock.shutdown(socket.SHUT_WR)
        read_all(sock)
    return out.exists() and "first by 1\n" in out.read_text()


@pytest.mark.slow
def test_loops_around_socat_take_jobs(lab: Lab, tmp_path: Path) -> None:
    """The application has a job on its standard input: here it is a line for a file. Whoever looks whether somebody
    listens has sent an empty one."""
    program("socat")
    out, port = tmp_path / "done", free_port()
    application = parse_application((), stdio=[f"sh -c 'read -r job; echo $job by {{worker}} >>{out}'"])
    install(lab, [units_for("socat-loop", "", Wish(application, 1, f"127.0.0.1:{port}", name="loops"))])
    lab.do("start", "loops.target")
    wait_until(lambda: is_done(f"127.0.0.1:{port}", out))
    lab.do("stop", "loops.target")


def test_who_cannot_share_a_port_is_given_sockets_that_do() -> None:
    files = units_for("reuseport", "", Wish(parse_application(["cat {fd}"])))
    assert "\nReusePort=yes\n" in files.units["app@.socket"]


def test_every_model_has_units() -> None:
    """Or says what it needs: nothing here is asked for a program."""
    for name in MODELS:
        with pytest.raises(NoUnits, match=f"{name} needs another command of the application: --app"):
            units_for(name, "", Wish(Application("nothing")))
    with pytest.raises(NoUnits, match="no units for the variant rinda"):
        units_for("tuplespace", "rinda", Wish(SAMPLE))


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
        ("caddy", "[::1]:80", "an IPv4 address"),
    ],
)
def test_what_cannot_be_written_is_told(model: str, listen: str, message: str) -> None:
    with pytest.raises(NoUnits) as caught:
        units_for(model, "", Wish(parse_application(["cat {port}"]), 2, listen))
    assert message in str(caught.value)
    with pytest.raises(BadApplication, match="nothing-of-that-name: not found"):
        units_for("direct", "", Wish(parse_application(["nothing-of-that-name {port}"])))
