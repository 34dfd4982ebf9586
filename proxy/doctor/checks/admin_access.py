"""The admin address: who can read there, and who can read the token that lets one change things."""

from __future__ import annotations

import ipaddress
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress
from proxy.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config
    from proxy.doctor.machine import Machine


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    admin = config.admin
    if admin is None:
        return
    if isinstance(admin.listen, TcpAddress) and not _is_loopback(admin.listen.host):
        yield Finding(
            level="warning",
            where=f"admin, {admin.listen}",
            what="other machines can reach it",
            why="Everybody who can connect reads what is there: addresses, errors, load. The token, which lets one "
            "change things, crosses the network in the clear.",
            fix=(
                f'listen = "127.0.0.1:{admin.listen.port}"',
                "# for others a frontend with TLS and `allow`",
            ),
        )
    if admin.token_file is not None:
        yield from _token_file(Path(admin.token_file))


def _token_file(path: Path) -> Iterator[Finding]:
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # the check of the configuration says so
    if mode & stat.S_IROTH:
        yield Finding(
            level="warning",
            where="admin, token_file",
            what=f"every user of this machine can read {path} ({stat.filemode(mode)})",
            why="Whoever has the token can drain, add and remove backends.",
            fix=(f"chmod o-rwx {path}",),
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
