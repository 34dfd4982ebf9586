"""What stands behind rproxy, as tables of its configuration: workers at addresses of their own, or a group."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from proxy.lab.models.free_port import free_port
from proxy.lab.models.whose import marked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from proxy.lab.application import Application

HOST = "127.0.0.1"
ROUND = "RPROXY_LAB_ROUND"  # another value makes another command, so that a reload replaces the processes


class Backends(Protocol):
    """tables: of `[[pools.app.backends]]`, with the commands that rproxy is to run, for so many workers; round: grows
    with each restart of all. addresses: of the workers, by number."""

    def tables(self, count: int, round: int) -> Sequence[str]: ...
    def addresses(self, count: int) -> dict[int, str]: ...


class OnPorts:
    """A TCP port for each worker."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._ports: list[int] = []

    def tables(self, count: int, round: int) -> Sequence[str]:
        return [
            table(address, 1, self._application.command("port", worker=n, host=HOST, port=self._ports[n - 1]), n, round)
            for n, address in self.addresses(count).items()
        ]

    def addresses(self, count: int) -> dict[int, str]:
        while len(self._ports) < count:
            self._ports.append(free_port())
        return {number: f"{HOST}:{port}" for number, port in enumerate(self._ports[:count], 1)}


class OnSockets:
    """A Unix socket for each worker."""

    def __init__(self, application: Application, directory: Path) -> None:
        self._application = application
        self._directory = directory

    def tables(self, count: int, round: int) -> Sequence[str]:
        return [
            table(address, 1, self._application.command("socket", worker=n, socket=address[5:]), n, round)
            for n, address in self.addresses(count).items()
        ]

    def addresses(self, count: int) -> dict[int, str]:
        return {number: f"unix:{self._directory}/{number}.sock" for number in range(1, count + 1)}


class OnOnePort:
    """A backend of so many members, which share its port with SO_REUSEPORT. port: reserved."""

    def __init__(self, application: Application, port: int) -> None:
        self._application = application
        self.port = port

    def tables(self, count: int, round: int) -> Sequence[str]:
        command = self._application.command("reuseport", worker="{member}", host=HOST, port=self.port)
        return [table(f"{HOST}:{self.port}", count, command, "{member}", round)]

    def addresses(self, count: int) -> dict[int, str]:
        return dict.fromkeys(range(1, count + 1), f"{HOST}:{self.port}")


def table(address: str, members: int, command: Sequence[str], number: int | str, round: int) -> str:
    """As TOML. JSON's arrays of texts are TOML's too."""
    words = json.dumps(marked([f"{ROUND}={round}", *command], number), ensure_ascii=False)
    lines = [f"address = {json.dumps(address)}", *([f"members = {members}"] if members > 1 else [])]
    return "\n".join(["[[pools.app.backends]]", *lines, f"command = {words}"])
