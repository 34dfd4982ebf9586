"""The text of unit files, systemd 252 or newer: services, sockets, and a target for all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Limits = Literal["sane", "defaults"]

_SANE = """\
# With systemd's own limit, five starts within ten seconds are the end for ever, also when what failed is back.
StartLimitIntervalSec=0
"""
_WAIT = """\
# When the service cannot start, clients wait for it. With systemd's own limit the port would be closed for ever.
TriggerLimitIntervalSec=0
"""
# setrlimit takes what it gets: as many connections as the administrator allows.
_NOFILE = "LimitNOFILE=524288\n"


@dataclass(frozen=True, slots=True)
class Place:
    """Where units run. name: of the units, `app` for app@1.service. listen: as ListenStream= takes it. directory: the
    working directory, absolute. user: empty for whoever the manager is."""

    name: str
    listen: str
    directory: str
    user: str = ""

    @property
    def target(self) -> str:
        return f"{self.name}.target"


def service(
    place: Place,
    line: str,
    *,
    what: str,
    unit: str = "",
    section: str = "",
    limits: Limits = "sane",
    restart: bool = True,
) -> str:
    """line: for ExecStart=. what: it is. unit, section: more lines of [Unit] and [Service]."""
    return "".join(
        (
            f"[Unit]\nDescription={what}\nPartOf={place.target}\n",
            unit,
            _SANE if limits == "sane" else "",
            f"\n[Service]\nExecStart={line}\nWorkingDirectory={place.directory}\n",
            f"User={place.user}\n" if place.user else "",
            "Restart=always\n" if restart else "",
            "RestartSec=100ms\n" if restart and limits == "sane" else "",
            _NOFILE if limits == "sane" else "",
            section,
        )
    )


def socket(place: Place, *, what: str, section: str = "") -> str:
    """section: more lines of [Socket]."""
    return "".join(
        (
            f"[Unit]\nDescription={what}\nPartOf={place.target}\n",
            f"\n[Socket]\nListenStream={place.listen}\nBacklog=4096\nNoDelay=yes\n",
            _WAIT,
            section,
        )
    )


def target(place: Place, wants: tuple[str, ...]) -> str:
    """systemctl start, stop, restart and enable of it are of all of them."""
    return (
        f"[Unit]\nDescription={place.name}: all of its units\nWants={' '.join(wants)}\n"
        "\n[Install]\nWantedBy=multi-user.target\n"
    )
