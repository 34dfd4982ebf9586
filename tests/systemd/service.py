"""The unit files that we ship, in a lab: as they are, but for the paths and what needs another user."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.processes import ROOT

if TYPE_CHECKING:
    from tests.systemd.lab import Lab

SHIPPED = ROOT / "configs" / "systemd"
# What it needs here and not where it is installed: Python may be in root's home, and the tests in /tmp.
DROP_IN = """
[Service]
ExecStart=
ExecStart={python} -m proxy --config {config}
WorkingDirectory={root}
User=
ProtectHome=no
PrivateTmp=no
RestartSec=100ms
SyslogIdentifier={name}
{more}
"""


@dataclass(frozen=True)
class Service:
    """rproxy as a unit of the lab. name: without `.service`."""

    lab: Lab
    name: str

    @property
    def config(self) -> str:
        return (self.lab.directory / f"{self.name}.toml").read_text()

    def configure(self, text: str) -> None:
        (self.lab.directory / f"{self.name}.toml").write_text(text)

    def do(self, verb: str, *options: str) -> None:
        self.lab.do(verb, *options, f"{self.name}.service")

    def signal(self, number: str) -> None:
        """To the main process: `KILL`, `USR2`."""
        self.do("kill", "--kill-whom=main", f"--signal={number}")

    def show(self, name: str) -> str:
        return self.lab.show(f"{self.name}.service", name)[name]

    def wait(self, **properties: str) -> None:
        self.lab.wait(f"{self.name}.service", **properties)

    @property
    def journal(self) -> str:
        """What it wrote, also with its last breath, and what systemd says of it."""
        return self.lab.journal(f"SYSLOG_IDENTIFIER={self.name}", "+", f"USER_UNIT={self.name}.service")


def install(lab: Lab, name: str, config: str, more: str = "") -> Service:
    """more: lines of the [Service] section. Not started yet."""
    service = Service(lab, name)
    service.configure(config)
    lab.write(f"{name}.service", (SHIPPED / "rproxy.service").read_text())
    path = lab.directory / f"{name}.toml"
    drop_in = DROP_IN.format(name=name, python=sys.executable, config=path, root=ROOT, more=more)
    lab.write(f"{name}.service.d/lab.conf", drop_in)
    lab.reload_units()
    return service


def install_socket(lab: Lab, name: str, addresses: list[str], socket_name: str) -> None:
    """The socket unit of a service of that name."""
    text = re.sub(r"ListenStream=.*\n", "", (SHIPPED / "rproxy.socket").read_text())
    streams = "".join(f"ListenStream={address}\n" for address in addresses)
    lab.write(f"{name}.socket", text)
    lab.write(f"{name}.socket.d/lab.conf", f"[Socket]\n{streams}FileDescriptorName={socket_name}\n")
    lab.reload_units()
