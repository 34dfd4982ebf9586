"""python -m proxy.lab.models.pull.gateway --listen 127.0.0.1:8000 --queue unix:/run/jobs.sock: HTTP to jobs and back.

Clients come in, their requests go to the broker as jobs, and what workers answer goes back. One task drives all, as in
rproxy itself (`proxy.engine.reactor`).
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import trio

from proxy.core.address import AddressError
from proxy.core.errors import BadRequest
from proxy.lab.load.prompt_reactor import PromptReactor
from proxy.lab.models.pull.broker import LARGEST, TIMEOUT, BrokerGone
from proxy.lab.models.pull.choose import add_options, make_post
from proxy.lab.models.pull.peer import Listener
from proxy.lab.models.pull.requests import RequestHeads, Requests
from proxy.lab.models.pull.responses import plain, with_connection
from proxy.serve.machine.tuning import raise_descriptor_limit, tune_garbage_collection

if TYPE_CHECKING:
    from proxy.engine.reactor import Reactor
    from proxy.lab.models.pull.broker import Post
    from proxy.lab.models.pull.peer import Peer
    from proxy.lab.models.pull.requests import Request

TICK = 0.1  # seconds: how late a timeout may be noticed


class Gateway:
    """timeout: seconds until a request that nobody answers is answered 504."""

    def __init__(self, reactor: Reactor, timeout: float) -> None:
        self.reactor, self._timeout = reactor, timeout
        self.heads = RequestHeads()
        self._post: Post | None = None
        self._waiting: dict[int, tuple[Client, float]] = {}  # in the order of their deadlines
        self._last = 0

    def begin(self, post: Post) -> None:
        self._post = post

    def met(self, peer: Peer) -> None:
        Client(self, peer)

    def ask(self, client: Client, request: Request) -> None:
        assert self._post is not None
        self._last += 1
        deadline = self.reactor.now + self._timeout
        self._waiting[self._last] = client, deadline
        self._post.put(self._last, request.content, deadline)

    def answered(self, number: int, response: bytes) -> None:
        """A second answer, or one that comes too late, is dropped."""
        client, _ = self._waiting.pop(number, (None, 0.0))
        if client is not None:
            client.answer(response)

    def give_up(self, now: float) -> None:
        """On what is overdue."""
        overdue = []
        for number, (_, deadline) in self._waiting.items():
            if deadline > now:
                break
            overdue.append(number)
        for number in overdue:
            self.answered(number, plain(504, f"no worker answered within {self._timeout:g} s"))


class Client:
    """One connection: a request at a time; what comes meanwhile waits."""

    __slots__ = ("_gateway", "_has_ended", "_peer", "_request", "_requests")

    def __init__(self, gateway: Gateway, peer: Peer) -> None:
        self._gateway, self._peer = gateway, peer
        self._requests = Requests(gateway.heads, LARGEST)
        self._request: Request | None = None
        self._has_ended = False
        peer.received, peer.ended = self._received, self._ended

    def answer(self, response: bytes) -> None:
        request, self._request = self._request, None
        if self._has_ended or request is None:
            return
        head = request.head
        if not head.is_1_1 or not head.keep_alive:
            response = with_connection(response, is_1_1=head.is_1_1, keep_alive=head.keep_alive)
        self._peer.send(response)
        if head.keep_alive:
            self._go_on()
        else:
            self._peer.finish()

    def _received(self, data: bytes) -> None:
        self._requests.feed(data)
        if self._request is None:
            self._go_on()

    def _go_on(self) -> None:
        try:
            self._request = self._requests.next()
        except BadRequest as error:
            self._peer.send(with_connection(plain(error.status, str(error)), is_1_1=True, keep_alive=False))
            self._peer.finish()
            return
        if self._request is not None:
            self._gateway.ask(self, self._request)
        elif self._requests.wants_to_go_on():
            self._peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _ended(self) -> None:
        """The job is done all the same: nothing can be called back from a worker."""
        self._has_ended = True


async def serve(args: argparse.Namespace) -> None:
    """Until cancelled. Raises AddressError, OSError, BrokerGone."""
    reactor = PromptReactor()  # a sixth less CPU for a request than by way of Trio
    gateway = Gateway(reactor, args.timeout)
    gone = trio.Event()
    gateway.begin(make_post(args, reactor, gateway.answered, gone.set))
    Listener(args.listen, reactor, gateway.met)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        nursery.start_soon(_look_at_clock, gateway)
        await gone.wait()
        nursery.cancel_scope.cancel()
    raise BrokerGone("the broker has closed the connection")


async def _look_at_clock(gateway: Gateway) -> None:
    while True:
        await trio.sleep(TICK)
        gateway.give_up(gateway.reactor.read_clock())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proxy.lab.models.pull.gateway")
    parser.add_argument("--listen", metavar="ADDRESS", required=True, help="host:port or unix:/path")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=TIMEOUT, help="until it answers 504")
    add_options(parser)
    raise_descriptor_limit()
    tune_garbage_collection()
    try:
        trio.run(serve, parser.parse_args())
    except (AddressError, OSError, BrokerGone) as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
