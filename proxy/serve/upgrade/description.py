"""What a program leaves to the one that it starts in its place: which of its descriptors are what."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from proxy.core.reload.inherit import Origin

VARIABLE = "RPROXY_TAKES_OVER"


@dataclass(frozen=True, slots=True)
class LeftSocket:
    """name: of its frontend. listen: the address in the configuration that it was made for."""

    name: str
    listen: str
    origin: Origin
    descriptor: int


@dataclass(frozen=True, slots=True)
class Description:
    """parent: who wrote it. channel: a descriptor, see the package. lent: managed backends, by pool and backend, whose
    processes are the parent's until it releases them."""

    parent: int
    channel: int
    sockets: tuple[LeftSocket, ...] = ()
    lent: tuple[tuple[str, str], ...] = ()

    def to_environment(self) -> dict[str, str]:
        return {VARIABLE: json.dumps(asdict(self), separators=(",", ":"))}


def from_environment(environ: MutableMapping[str, str] | None = None) -> Description | None:
    """None when nobody is to be taken over from. The variable is taken out of the environment.

    Raises ValueError when it cannot be read.
    """
    environ = os.environ if environ is None else environ
    text = environ.pop(VARIABLE, None)
    if text is None:
        return None
    try:
        fields = json.loads(text)
        return Description(
            parent=fields["parent"],
            channel=fields["channel"],
            sockets=tuple(LeftSocket(**each) for each in fields["sockets"]),
            lent=tuple((pool, backend) for pool, backend in fields["lent"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{VARIABLE} cannot be read: {error}") from None
