"""The models by name, in the order in which they are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.models.direct import Direct
from proxy.lab.models.reuseport import Reuseport
from proxy.lab.models.systemd.accept import SystemdAccept
from proxy.lab.models.systemd.sockets import SystemdSocket
from proxy.lab.models.systemd.template import Systemd

if TYPE_CHECKING:
    from proxy.lab.models.model import Model

_ALL: tuple[Model, ...] = (
    Direct(),
    Reuseport(),
    Systemd(),
    SystemdAccept(),
    SystemdSocket(),
)  # fmt: skip
MODELS = {model.name: model for model in _ALL}
