"""Requests that a route answers by itself, without a backend: with a redirect, a fixed text, or not at all."""

from __future__ import annotations

from proxy.core.errors import Denied, ProxyError
from proxy.engine.http.exchange import Exchange


class Replying(Exchange):
    """A request body is not read: the connection ends behind the answer."""

    __slots__ = ()

    def start(self) -> None:
        if self.is_over:
            return
        reply = self.route.reply
        assert reply is not None
        keep_alive = self.keeps_client() and not self.head.length
        try:
            answer = reply(self.head, keep_alive=keep_alive)
        except ProxyError as error:
            self.fail(error)
            return
        self.session.write(answer)
        self.finish(is_clean=False, keep_alive=keep_alive)


class Refusing(Exchange):
    """For clients that the route does not admit. The connection ends behind the answer."""

    __slots__ = ()

    def start(self) -> None:
        if not self.is_over:
            self.fail(Denied.of(self.session.peer.host))
