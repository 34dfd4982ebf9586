"""Which broker a gateway or a worker talks to: the options of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.models.queue.post import QueuePost
from proxy.lab.models.queue.source import open_queue_source
from proxy.lab.models.tuple_space.post import SpacePost
from proxy.lab.models.tuple_space.source import open_space_source

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from proxy.engine.reactor import Reactor
    from proxy.lab.models.pull.broker import Post, Source


def add_options(parser: argparse.ArgumentParser) -> None:
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--queue", metavar="ADDRESS", help="a server that speaks beanstalkd's protocol")
    place.add_argument("--space", metavar="ADDRESS", help="a tuple space, or a bridge to one")


def make_post(
    args: argparse.Namespace, reactor: Reactor, answered: Callable[[int, bytes], None], gone: Callable[[], None]
) -> Post:
    """Raises AddressError, OSError."""
    if args.queue:
        return QueuePost(args.queue, reactor, answered, gone)
    return SpacePost(args.space, reactor, answered, gone)


async def open_source(args: argparse.Namespace) -> Source:
    """Raises AddressError, OSError, BrokerGone."""
    if args.queue:
        return await open_queue_source(args.queue)
    return await open_space_source(args.space, lease=args.lease)
