"""Ways in which a session in TCP mode ends. Frontends: see test_sessions_end.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from tests.acceptance.puppets import LARGE
from tests.acceptance.ways import dither, end_of, expect_reset, hang_up, leave, push, way

if TYPE_CHECKING:
    from random import Random

    from tests.engine.support import Wire

# ---------------------------------------------------------------------- by the client


@way("tcp", "tcp-second")
async def leaves_at_once(wire: Wire, rng: Random) -> None:
    await leave(wire, rng)


@way("tcp")
async def leaves_after_the_request(wire: Wire, rng: Random) -> None:
    await wire.send(b"answer\n")
    await leave(wire, rng)


@way("tcp", "tcp-second")
async def leaves_after_the_answer(wire: Wire, rng: Random) -> None:
    await wire.send(b"answer\n")
    assert await wire.exactly(6) == b"answer"
    await leave(wire, rng)


@way("tcp")
async def leaves_without_an_answer(wire: Wire, rng: Random) -> None:
    await wire.send(b"hold-until-end\n")
    await leave(wire, rng)


@way("tcp")
async def leaves_over_an_unread_answer(wire: Wire, rng: Random) -> None:
    await wire.send(b"large\n")
    await wire.exactly(10)
    await leave(wire, rng)


@way("tcp")
async def leaves_amid_a_flood(wire: Wire, rng: Random) -> None:
    await wire.send(b"flood\n")
    await wire.exactly(300_000)
    await leave(wire, rng)


@way("tcp")
async def leaves_amid_its_own_upload(wire: Wire, rng: Random) -> None:
    await wire.send(b"hold-until-end\n" + LARGE[: rng.randrange(len(LARGE))])
    await leave(wire, rng)


@way("tcp")
async def ends_its_side_and_gets_everything_back(wire: Wire, rng: Random) -> None:
    data = LARGE[: rng.choice((0, 1, 1000, 100_000))]
    await wire.send(b"echo\n" + data)
    await dither(rng)
    await wire.end()
    assert await wire.rest() == data


@way("tcp")
async def ends_its_side_and_resets(wire: Wire, rng: Random) -> None:
    await wire.send(b"hold\n")
    await wire.end()
    await dither(rng)
    wire.reset()


@way("tcp")
async def ends_its_side_waits_and_resets(wire: Wire, rng: Random) -> None:
    """The backend has nothing more to say: only the reset can end it."""
    await wire.send(b"seen\n")
    await wire.end()
    assert await wire.exactly(4) == b"seen"
    await dither(rng)
    wire.reset()


@way("tcp")
async def resets_while_the_backend_takes_nothing(wire: Wire, rng: Random) -> None:
    await wire.send(b"stuck\n")
    assert await wire.exactly(5) == b"stuck"
    with trio.move_on_after(0.05):  # less and it is the same session, with less under way
        while True:
            await wire.send(LARGE)
    wire.reset()


# ---------------------------------------------------------------------- by the backend


@way("tcp")
async def backend_ends_its_side_first(wire: Wire, rng: Random) -> None:
    await wire.send(b"bye\n")
    assert await wire.rest() == b"bye"
    await wire.send(b"the rest")
    await leave(wire, rng)


@way("tcp")
async def backend_ends_its_side_and_resets(wire: Wire, rng: Random) -> None:
    await wire.send(b"bye-and-reset\n")
    assert await wire.rest() == b"bye"
    await wire.send(b"now\n")
    await hang_up(wire)


@way("tcp")
async def backend_closes_after_the_request(wire: Wire, rng: Random) -> None:
    await wire.send(b"close\n")
    assert await end_of(wire) == "closed"


@way("tcp")
async def backend_closes_within_the_answer(wire: Wire, rng: Random) -> None:
    await wire.send(b"half\n")
    assert await wire.rest() == b"half "


@way("tcp")
async def backend_closes_and_the_client_sends_on(wire: Wire, rng: Random) -> None:
    await wire.send(b"half\n")
    await push(wire, LARGE)
    await end_of(wire)


@way("tcp")
async def backend_resets_after_the_request(wire: Wire, rng: Random) -> None:
    await wire.send(b"reset\n")
    await expect_reset(wire)


@way("tcp")
async def backend_resets_within_the_answer(wire: Wire, rng: Random) -> None:
    await wire.send(b"half-and-reset\n")
    assert await wire.exactly(5) == b"half "
    await wire.send(b"go\n")
    await expect_reset(wire)


@way("tcp-slam", "tcp-snap")
async def backend_leaves_at_accept(wire: Wire, rng: Random) -> None:
    if rng.random() < 0.5:
        await push(wire, b"hello?\n")
    await end_of(wire)


@way("tcp-refused")
async def nobody_listens(wire: Wire, rng: Random) -> None:
    await expect_reset(wire)


@way("tcp-refused", "tcp-black-hole", "tcp-full", "tcp-short")
async def leaves_before_it_is_connected(wire: Wire, rng: Random) -> None:
    await leave(wire, rng)


# ---------------------------------------------------------------------- by a timeout


@way("tcp-black-hole", "tcp-full")
async def waits_for_a_connection_in_vain(wire: Wire, rng: Random) -> None:
    await push(wire, b"answer\n")
    await expect_reset(wire)


@way("tcp-short")
async def idles(wire: Wire, rng: Random) -> None:
    await wire.send(b"hold\n")
    await expect_reset(wire)


@way("tcp-short")
async def idles_with_one_side_ended(wire: Wire, rng: Random) -> None:
    await wire.send(b"hold\n")
    await wire.end()
    await expect_reset(wire)


@way("tcp-short")
async def takes_nothing(wire: Wire, rng: Random) -> None:
    await wire.send(b"flood\n")
    await hang_up(wire)


@way("tcp-short")
async def backend_takes_nothing(wire: Wire, rng: Random) -> None:
    await wire.send(b"stuck\n")
    for _ in range(64):
        await push(wire, LARGE)
    await end_of(wire)
