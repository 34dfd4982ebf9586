"""What may stand between accept and the session: a stage waits for something of its own, then hands the socket on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.errors import ClientTimeout, CrowdedOut, Draining, ProxyError
from proxy.engine.access_log import Unserved
from proxy.engine.relay import reset_on_close

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.client.peer import Peer
    from proxy.engine.frontend import Frontend
    from proxy.engine.sock import Sock
    from proxy.engine.timers import Bucket

    # A stage with all that follows it, or the class of the session, which ends every chain.
    Step = Callable[[Frontend, Sock, Peer], object]
    # The class of a stage, or a function, called with what follows as `then`.
    MakeStep = Callable[..., object]


class Stage:
    """Base of the stages. A frontend has a tuple of them, in the order in which a connection passes them.

    The connection counts as a session of the frontend all the while. A stage defines `seconds` and `on_event`, which
    ends with `finish` or `give_up`, each of which may be called from anywhere and counts once.
    """

    __slots__ = ("began", "bucket", "deadline", "frontend", "is_over", "peer", "reactor", "sock", "then")

    def __init__(self, frontend: Frontend, sock: Sock, peer: Peer, then: Step) -> None:
        self.frontend = frontend
        self.reactor = frontend.reactor
        self.sock = sock
        self.peer = peer
        self.then = then
        self.is_over = False
        self.began = self.reactor.now
        self.deadline = self.began + self.seconds()
        self.bucket: Bucket | None = None
        self.reactor.register(sock.fileno(), self.on_event)
        frontend.wheel.add(self)

    def seconds(self) -> float:
        """How long the client has for this stage."""
        raise NotImplementedError

    def on_event(self, mask: int) -> None:
        raise NotImplementedError

    def finish(self, sock: Sock | None = None) -> None:
        """Hands on the socket, or the one that takes its place. What the kernel holds is announced to the next by a
        first edge, since it registers the descriptor anew."""
        if self.is_over:
            return
        self._leave()
        self.reactor.unregister(self.sock.fileno())
        self.frontend.enter(self.then, sock or self.sock, self.peer)

    def give_up(self, error: ProxyError | None, *, reset: bool = False) -> None:
        """error: what is recorded; None for a client that left before it began."""
        if self.is_over:
            return
        self._leave()
        if reset:
            reset_on_close(self.sock)
        self.reactor.close(self.sock)
        if error is not None:
            self.frontend.record(error, Unserved(self.frontend, self.peer, self.began))
        self.frontend.session_ended(self.peer.counted_as)

    def _leave(self) -> None:
        self.is_over = True
        self.frontend.wheel.remove(self)

    def spare_since(self) -> float | None:
        return None if self.is_over else self.deadline - self.seconds()

    def make_room(self) -> None:
        self.give_up(CrowdedOut())

    def timed_out(self) -> None:
        self.give_up(ClientTimeout(phase="accept"))

    def crashed(self, error: Exception) -> None:
        self.give_up(ProxyError("crash", repr(error), phase="accept"), reset=True)

    def drain(self) -> None:
        """Goes on: the client has connected and waits for the answer to its first request. It gets that one."""

    def cut(self) -> None:
        """The deadline of a shutdown passed."""
        self.give_up(Draining(phase="accept"), reset=True)
