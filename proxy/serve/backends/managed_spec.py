"""What is managed: one backend, its command and its members; and what can be known to be wrong before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.restart import PlaceholderError, expand_command, placeholder_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.core.address import Address
    from proxy.serve.machine.privileges import Identity


class ManagedError(ValueError):
    """A managed backend that cannot work as it is configured; the message says why."""


@dataclass(frozen=True, slots=True)
class ManagedSpec:
    """One backend of `pool`. env: added to our own environment. identity: whose its processes are; None for ours."""

    pool: str
    address: Address
    members: int
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    identity: Identity | None = None

    def name(self, member: int) -> str:
        """`app/9100#2` or `app/web.sock#1`; members count from 1."""
        address = self.address
        place = str(address.port) if isinstance(address, TcpAddress) else address.path.rpartition("/")[2]
        return f"{self.pool}/{place}#{member}"

    def command_of(self, member: int) -> tuple[str, ...]:
        """Raises PlaceholderError."""
        return expand_command(self.command, placeholder_values(self.pool, self.address, member))


def check(spec: ManagedSpec) -> None:
    """Raises ManagedError."""
    if not spec.command:
        raise ManagedError(f"{spec.address}: the command is empty")
    if isinstance(spec.address, UnixAddress):
        _check_unix(spec.address, spec.members)
    elif spec.address.port == 0:
        raise ManagedError(f"{spec.address}: a managed backend needs a port that is known before it starts")
    try:
        spec.command_of(1)
    except PlaceholderError as error:
        raise ManagedError(f"{spec.address}: {error}") from None


def _check_unix(address: UnixAddress, members: int) -> None:
    if members > 1:
        raise ManagedError(f"{address}: {members} members can share a TCP port (SO_REUSEPORT), not a Unix socket")
    parent = Path(address.path).parent
    if not address.is_abstract and not parent.is_dir():
        raise ManagedError(f"{address}: the directory {parent} does not exist, so the command could not listen there")
