"""Where requests of one route go, and what happens to heads on the way: chosen once, when the frontend is made."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING

from proxy.core.client.networks import Access
from proxy.core.http.head_cache import HeadCache
from proxy.core.policy.fields import FieldPolicy
from proxy.core.policy.redirect import Redirect
from proxy.core.policy.reply import RedirectReply, TextReply
from proxy.core.policy.rewrite import Rewrite
from proxy.engine.http.exchange import Exchange
from proxy.engine.http.logged import logged
from proxy.engine.http.replying import Refusing, Replying
from proxy.engine.http.timed_exchange import TimedExchange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proxy.core import config
    from proxy.core.http.request import RequestHead
    from proxy.core.http.response import ResponseHead
    from proxy.core.policy.reply import Reply
    from proxy.engine.http.session import HttpSession
    from proxy.engine.live_pool import LivePool

_rng = Random()


class LiveRoute:
    """A route of a frontend, or what becomes of requests that no route names. Nothing in it changes.

    It stands beside a request's head in `Frontend.heads`, so that a policy which depends on the head alone is applied
    once for all requests of the same bytes. Response heads that it changes have a cache of their own.

    pool: where requests go; a route that replies has none, and never asks. reply: what it answers by itself.
    exchange: makes what serves a request; serving, admitted, refusing: what it does so with.
    request_fields, response_fields: what it sets and removes. changes_requests: heads have to be `prepare`d.
    body_limit: of a request, 0 for any.
    find_response, parse_response: a response head known by its bytes, and one that is new.
    """

    __slots__ = ("_access", "_rewrite", "admitted", "body_limit", "changes_requests", "exchange", "find_response",
                 "heads", "parse_response", "pool", "refusing", "reply", "request_fields", "response_fields",
                 "serving")  # fmt: skip

    def __init__(
        self,
        frontend: config.Frontend,
        rule: config.Route | None,
        pools: Mapping[str, LivePool],
        *,
        is_recorded: bool = False,
    ) -> None:
        """rule: None for what no route names. is_recorded: exchanges leave records, for a log or for metrics."""
        own = rule or frontend
        places = (frontend, rule) if rule else (frontend,)
        self.request_fields = FieldPolicy(
            {**place.set_request_headers, **dict.fromkeys(place.remove_request_headers)} for place in places
        )
        self.response_fields = FieldPolicy(
            {**place.set_response_headers, **dict.fromkeys(place.remove_response_headers)} for place in places
        )
        self.body_limit = frontend.limits.body if rule is None or rule.body is None else rule.body
        self.changes_requests = bool(self.request_fields or (rule and rule.rewrite))
        self._rewrite = Rewrite(rule.path, rule.rewrite) if rule and rule.rewrite else None
        self.reply = _reply(own, rule.path if rule else None, self.response_fields)
        self.serving: type[Exchange] = TimedExchange if frontend.timeouts.exchange else Exchange
        if self.reply is not None:
            self.serving = Replying
        if is_recorded:
            self.serving = logged(self.serving)  # type: ignore[arg-type] # a class can be hashed
        self.exchange: Callable[[HttpSession, RequestHead, LiveRoute], Exchange] = self.serving
        if self.reply is not None:
            self.pool: LivePool = None  # type: ignore[assignment]
        else:
            assert own.pool is not None
            self._lead_to(pools[own.pool])
        if rule is not None and (rule.allow or rule.deny):
            self._access = Access(rule.allow, rule.deny)
            self.admitted = self.exchange
            self.refusing = logged(Refusing) if is_recorded else Refusing
            self.exchange = _admit

    def _lead_to(self, pool: LivePool) -> None:
        self.pool = pool
        if self.request_fields.late:
            self.exchange = _tell_of_client
        if self.response_fields:
            self.heads: HeadCache[ResponseHead] = HeadCache()
            parse: Callable[[bytes], ResponseHead] = partial(_parse_and_change, pool, self.response_fields)
            self.parse_response = parse
        else:
            self.heads = pool.heads
            self.parse_response = pool.parser.parse
        self.find_response = self.heads.hot.get

    def prepare(self, head: RequestHead) -> None:
        """Applies to a head, fresh from the parser, what depends on nothing else."""
        if self._rewrite is not None:
            behind_target = len(head.method) + 1 + len(head.target)
            head.forward = b"%b %b%b" % (head.method, self._rewrite(head.target), head.forward[behind_target:])
        if self.request_fields:
            head.forward = self.request_fields.apply(head.forward, head.host or b"localhost")
            head.shape = None  # it tells of fields that may be others now

    def admits(self, session: HttpSession) -> bool:
        return self._access.admits(session.peer.host)


# Functions, and not methods that a route would have of itself: such a circle is left to the garbage collection, which
# hardly ever runs (serve/machine/tuning.py), and each reload leaves the routes of before.


def _admit(session: HttpSession, head: RequestHead, route: LiveRoute) -> Exchange:
    """Asked for each request: a trusted proxy speaks for a different client in each."""
    serves = route.admitted if route.admits(session) else route.refusing
    return serves(session, head, route)


def _tell_of_client(session: HttpSession, head: RequestHead, route: LiveRoute) -> Exchange:
    """The request tells of the client and of itself, so that its head is made anew each time."""
    values = {
        b"client": session.peer.host.encode(),
        b"host": head.host or b"localhost",
        b"proto": session.peer.scheme.encode(),
        b"request_id": b"%032x" % _rng.getrandbits(128),
    }
    return route.serving(session, head.copy(head.forward + route.request_fields.late % values), route)


def _parse_and_change(pool: LivePool, fields: FieldPolicy, raw: bytes) -> ResponseHead:
    """Raises BadResponse."""
    head = pool.parser.parse(raw)
    if head.status >= 200:  # what comes before is about the exchange, not about the answer
        end = head.persistent[len(head.forward) :]
        head.forward = fields.apply(head.forward)
        head.persistent = head.forward + end
    return head


def _reply(own: config.Frontend | config.Route, path: str | None, fields: FieldPolicy) -> Reply | None:
    if own.redirect is not None:
        return RedirectReply(Redirect(own.redirect.to, own.redirect.status, path), fields)
    if own.respond is not None:
        return TextReply(own.respond.status, own.respond.body, fields)
    return None
