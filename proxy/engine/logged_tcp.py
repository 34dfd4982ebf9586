"""TCP sessions of frontends with an access log or metrics: a class of their own, as in http/logged.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.engine.access_log import reason_of
from proxy.engine.flow import ENDLESS
from proxy.engine.tcp import TcpSession

if TYPE_CHECKING:
    from proxy.core.access_log.record import Record
    from proxy.core.client.peer import Peer
    from proxy.core.errors import ProxyError
    from proxy.engine.backend import LiveBackend
    from proxy.engine.frontend import Frontend
    from proxy.engine.live_pool import LivePool
    from proxy.engine.sock import Sock


class LoggedTcpSession(TcpSession):
    """began, picked, dialled: see `access_log.record.Marks`. used: the backend tried last."""

    __slots__ = ("began", "client_facts", "dialled", "picked", "tries", "used")

    def __init__(self, frontend: Frontend, client: Sock, peer: Peer, pool: LivePool | None = None) -> None:
        super().__init__(frontend, client, peer, pool)
        assert frontend.records is not None
        self.client_facts = frontend.records.new_client(peer)
        self.began = self.reactor.now
        self.picked = self.dialled = 0.0
        self.used: LiveBackend | None = None
        self.tries = 0

    def _dial(self, backend: LiveBackend) -> None:
        self.used = backend
        self.tries += 1
        if not self.picked:
            self.picked = self.reactor.now
        super()._dial(backend)

    def _connected(self) -> None:
        self.dialled = self.reactor.now
        super()._connected()

    def facts(self, error: ProxyError | None) -> Record:
        began, dialled = self.began, self.dialled
        up, down = self.flows or (None, None)
        return (
            self.client_facts, 0, None, (began, began, self.picked, dialled, dialled, dialled, self.reactor.now),
            (self.pool.name, self.used.name if self.used is not None else "", self.tries, False, 0, 0,
             reason_of(error)),
            ENDLESS - up.left if up is not None else 0, down.moved if down is not None else 0,
        )  # fmt: skip
