"""The models by name, in the order in which they are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.models.direct import Direct
from proxy.lab.models.prefork import Prefork
from proxy.lab.models.queue.model import Queue
from proxy.lab.models.reuseport import Reuseport
from proxy.lab.models.rivals.caddy import Caddy
from proxy.lab.models.rivals.envoy import Envoy
from proxy.lab.models.rivals.haproxy import Haproxy
from proxy.lab.models.rivals.model import RivalModel
from proxy.lab.models.rivals.nginx import Nginx
from proxy.lab.models.rproxy.model import PROXY_REUSEPORT, PROXY_TCP, PROXY_UNIX
from proxy.lab.models.socat_loop import SocatLoop
from proxy.lab.models.systemd.accept import SystemdAccept
from proxy.lab.models.systemd.sockets import SystemdSocket
from proxy.lab.models.systemd.template import Systemd
from proxy.lab.models.tuple_space.model import TupleSpace

if TYPE_CHECKING:
    from proxy.lab.models.model import Model

_ALL: tuple[Model, ...] = (
    Direct(),
    Prefork(),
    Reuseport(),
    Systemd(),
    SystemdAccept(),
    SystemdSocket(),
    PROXY_TCP,
    PROXY_UNIX,
    PROXY_REUSEPORT,
    Queue(),
    TupleSpace(),
    SocatLoop(),
    RivalModel(Nginx),
    RivalModel(Haproxy),
    RivalModel(Envoy),
    RivalModel(Caddy),
)  # fmt: skip
MODELS = {model.name: model for model in _ALL}
