"""rproxy as a systemd unit, with its configuration beside it; configs/systemd/ has one that is shut in more tightly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.emit.exec_line import exec_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.emit.unit_files import Place

NAME = "rproxy.service"
CONFIG = "/etc/rproxy/lb.toml"

_TEXT = """\
[Unit]
Description=rproxy, and {what} behind it
Wants=network-online.target
After=network-online.target
# With systemd's own limit, five starts within ten seconds are the end for ever, also when what failed is back.
StartLimitIntervalSec=0

[Service]
# Started is who says that clients are served.
Type=notify
ExecStart={line}
ExecReload=/bin/kill -HUP $MAINPID
WorkingDirectory={directory}
{user}Restart=always
RestartSec=1
WatchdogSec=15
# systemd keeps the listening sockets over a restart: who connects meanwhile waits, and is served.
FileDescriptorStoreMax=1024
# SIGTERM is for rproxy, which ends its backends itself when the last request is answered.
KillMode=mixed
TimeoutStopSec=60
OOMPolicy=continue
LimitNOFILE=524288
# /run/rproxy, for Unix sockets.
RuntimeDirectory=rproxy
RuntimeDirectoryPreserve=restart

[Install]
WantedBy=multi-user.target
"""


def rproxy_unit(place: Place, rproxy: Sequence[str], config: str = CONFIG) -> str:
    """rproxy: the words that start it, without options. Its backends are its children: user and directory hold for
    them too."""
    return _TEXT.format(
        what=place.name,
        line=exec_line([*rproxy, "--config", config]),
        directory=place.directory,
        user=f"User={place.user}\n" if place.user else "",
    )
