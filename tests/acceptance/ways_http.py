"""Ways in which a session in HTTP mode ends. Frontends: see test_sessions_end.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from tests.acceptance.puppets import LARGE
from tests.acceptance.ways import dither, end_of, expect_reset, hang_up, leave, way
from tests.engine.support import Wire, status

if TYPE_CHECKING:
    from random import Random

LENGTH = b"Content-Length: %d" % len(LARGE)
LATE = 504
CHUNKED = b"Transfer-Encoding: chunked"
UPGRADE = (b"Connection: Upgrade", b"Upgrade: websocket")


def get(name: str, *fields: bytes) -> bytes:
    return b"\r\n".join((b"GET /%b HTTP/1.1" % name.encode(), b"Host: a", *fields, b"", b""))


def post(name: str, *fields: bytes) -> bytes:
    return b"POST" + get(name, *fields)[3:]


async def expect(wire: Wire, *statuses: int) -> None:
    head, _ = await wire.response()
    assert status(head) in statuses, head


# ---------------------------------------------------------------------- by the client


@way("web")
async def leaves_at_once(wire: Wire, rng: Random) -> None:
    await leave(wire, rng)


@way("web")
async def leaves_within_the_head(wire: Wire, rng: Random) -> None:
    await wire.send(get("answer")[: rng.randrange(1, 20)])
    await leave(wire, rng)


@way("web", "web-refused", "web-slam")
async def leaves_after_the_request(wire: Wire, rng: Random) -> None:
    await wire.send(get(rng.choice(("answer", "hold", "large"))))
    await leave(wire, rng)


@way("web", "web-second")
async def leaves_after_some_answers(wire: Wire, rng: Random) -> None:
    for _ in range(rng.randrange(1, 4)):
        await wire.send(get("answer"))
        await expect(wire, 200)
    await leave(wire, rng)


@way("web")
async def asks_for_the_end(wire: Wire, rng: Random) -> None:
    await wire.send(get("answer", b"Connection: close"))
    await expect(wire, 200)
    assert await end_of(wire) == "closed"


@way("web")
async def ends_its_side_after_the_request(wire: Wire, rng: Random) -> None:
    """Answered or given up, by when the end was seen."""
    await wire.send(get("answer"))
    await dither(rng)
    await wire.end()
    await end_of(wire)


@way("web")
async def ends_its_side_between_requests(wire: Wire, rng: Random) -> None:
    await wire.send(get("answer"))
    await expect(wire, 200)
    await wire.end()
    assert await end_of(wire) == "closed"


@way("web")
async def leaves_with_requests_in_the_pipe(wire: Wire, rng: Random) -> None:
    await wire.send(get("answer") * 5 + get(rng.choice(("answer", "hold", "large"))))
    for _ in range(rng.randrange(3)):
        await expect(wire, 200)
    await leave(wire, rng)


@way("web")
async def leaves_within_its_body(wire: Wire, rng: Random) -> None:
    await wire.send(post("answer", LENGTH) + LARGE[: rng.randrange(len(LARGE))])
    await leave(wire, rng)


@way("web")
async def leaves_within_its_chunks(wire: Wire, rng: Random) -> None:
    await wire.send(post("answer", CHUNKED) + b"%x\r\n" % len(LARGE) + LARGE[: rng.randrange(len(LARGE))])
    await leave(wire, rng)


@way("web")
async def ends_its_side_within_its_body(wire: Wire, rng: Random) -> None:
    await wire.send(post("answer", LENGTH) + b"half")
    await wire.end()
    await end_of(wire)


@way("web")
async def uploads_and_leaves(wire: Wire, rng: Random) -> None:
    await wire.send(post("answer", LENGTH) + LARGE)
    await expect(wire, 200)
    await wire.send(post("answer", CHUNKED) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(LARGE), LARGE))
    await expect(wire, 200)
    await leave(wire, rng)


@way("web")
async def downloads_and_leaves(wire: Wire, rng: Random) -> None:
    for name in ("large", "large-chunked", "large-until-close"):
        await wire.send(get(name))
        _, body = await wire.response()
        assert len(body) == len(LARGE)
    await leave(wire, rng)


@way("web")
async def leaves_within_the_answer(wire: Wire, rng: Random) -> None:
    await wire.send(get(rng.choice(("large", "large-chunked", "large-until-close", "flood"))))
    await wire.exactly(rng.choice((1, 1000, 300_000)))
    await leave(wire, rng)


@way("web")
async def is_garbage(wire: Wire, rng: Random) -> None:
    await wire.send(b"\x16\x03\x01 no HTTP\r\n\r\n")
    await expect(wire, 400)
    await leave(wire, rng)


@way("web")
async def is_too_long(wire: Wire, rng: Random) -> None:
    await wire.send(get("answer", b"X: " + LARGE[:20_000].replace(b"\0", b"x")))
    await expect(wire, 431)
    assert await end_of(wire) == "closed"


@way("web")
async def has_a_bad_chunk(wire: Wire, rng: Random) -> None:
    await wire.send(post("answer", CHUNKED))
    await dither(rng)
    await wire.send(b"zz\r\n")
    await expect(wire, 400)
    assert await end_of(wire) == "closed"


# ---------------------------------------------------------------------- by the backend


@way("web", "web-slam", "web-snap")
async def backend_leaves_before_the_answer(wire: Wire, rng: Random) -> None:
    await wire.send(get(rng.choice(("close", "reset"))))
    await expect(wire, 502)
    await leave(wire, rng)


@way("web")
async def backend_talks_nonsense(wire: Wire, rng: Random) -> None:
    await wire.send(get(rng.choice(("garbage", "half-head"))))
    await expect(wire, 502)
    await leave(wire, rng)


@way("web")
async def backend_leaves_within_the_body(wire: Wire, rng: Random) -> None:
    await wire.send(get(rng.choice(("half-body", "half-body-reset", "half-chunk", "half-chunk-reset"))))
    await expect_reset(wire)


@way("web")
async def backend_talks_nonsense_within_the_body(wire: Wire, rng: Random) -> None:
    """Noticed before anything was passed on, or after."""
    await wire.send(get("bad-chunk"))
    try:
        await expect(wire, 502)
    except trio.BrokenResourceError:
        return
    await leave(wire, rng)


@way("web-leaving")
async def backend_leaves_after_the_answer(wire: Wire, rng: Random) -> None:
    for _ in range(3):
        await wire.send(get(rng.choice(("last", "silent-close"))))
        await expect(wire, 200)
        await dither(rng)
    await leave(wire, rng)


@way("web")
async def backend_answers_early(wire: Wire, rng: Random) -> None:
    """Its answer, or a 502 when the reset of the unread body overtook it."""
    await wire.send(post("unread/early", LENGTH) + LARGE[: rng.randrange(len(LARGE))])
    await expect(wire, 413, 502)
    await leave(wire, rng)


@way("web-refused")
async def nobody_listens(wire: Wire, rng: Random) -> None:
    await wire.send(get("answer"))
    await expect(wire, 502)
    await wire.send(post("answer", b"Content-Length: 2") + b"ok")
    await expect(wire, 502)
    await leave(wire, rng)


@way("web-black-hole", "web-full")
async def leaves_before_it_is_connected(wire: Wire, rng: Random) -> None:
    await wire.send(get("answer"))
    await leave(wire, rng)


# ---------------------------------------------------------------------- by a timeout
# On a machine that stalls LATE may be what ends it.


@way("web-black-hole")
async def waits_for_a_connection_in_vain(wire: Wire, rng: Random) -> None:
    await wire.send(get("answer"))
    await expect(wire, 504)
    await leave(wire, rng)


@way("web-full")
async def waits_for_a_slot_in_vain(wire: Wire, rng: Random) -> None:
    await wire.send(get("answer"))
    await expect(wire, 503)
    await leave(wire, rng)


@way("web-short")
async def says_nothing(wire: Wire, rng: Random) -> None:
    await end_of(wire)


@way("web-short")
async def does_not_finish_its_head(wire: Wire, rng: Random) -> None:
    await wire.send(get("answer")[:20])
    await expect(wire, 408, LATE)
    assert await end_of(wire) == "closed"


@way("web-short")
async def does_not_finish_its_body(wire: Wire, rng: Random) -> None:
    framing, begin = rng.choice(((LENGTH, b"some"), (CHUNKED, b"4\r\nso")))
    await wire.send(post("answer", framing) + begin)
    await expect(wire, 408, LATE)
    assert await end_of(wire) == "closed"


@way("web-short")
async def asks_no_second_time(wire: Wire, rng: Random) -> None:
    await wire.send(get("answer"))
    await expect(wire, 200, LATE)
    assert await end_of(wire) == "closed"


@way("web-short")
async def takes_nothing(wire: Wire, rng: Random) -> None:
    await wire.send(get("flood"))
    await hang_up(wire, or_end=True)


@way("web-short")
async def backend_does_not_answer(wire: Wire, rng: Random) -> None:
    await wire.send(get("hold"))
    await expect(wire, 504)
    await leave(wire, rng)


@way("web-short")
async def backend_does_not_finish(wire: Wire, rng: Random) -> None:
    await wire.send(get("half-body-hold"))
    await end_of(wire)


@way("web-short")
async def backend_takes_nothing(wire: Wire, rng: Random) -> None:
    async def flood() -> None:
        while True:
            await wire.send(LARGE)

    async with trio.open_nursery() as nursery:
        await wire.send(post("unread/stuck", b"Content-Length: %d" % (1 << 40)))
        nursery.start_soon(flood)
        await expect(wire, 504)
        nursery.cancel_scope.cancel()
    await leave(wire, rng)


# ---------------------------------------------------------------------- tunnels


async def tunnel(wire: Wire, line: bytes) -> None:
    await wire.send(get("tunnel", *UPGRADE) + (line if line == b"answer\n" else b""))
    head = await wire.head()
    if status(head) == LATE:
        return
    assert status(head) == 101, head
    if line != b"answer\n":
        await wire.send(line)


@way("web")
async def leaves_the_tunnel(wire: Wire, rng: Random) -> None:
    await tunnel(wire, b"answer\n")
    assert await wire.exactly(6) == b"answer"
    await leave(wire, rng)


@way("web")
async def ends_its_side_of_the_tunnel(wire: Wire, rng: Random) -> None:
    await tunnel(wire, b"echo\n")
    await wire.send(LARGE)
    await wire.end()
    assert len(await wire.rest()) == len(LARGE)


@way("web")
async def backend_leaves_the_tunnel(wire: Wire, rng: Random) -> None:
    await tunnel(wire, rng.choice((b"close\n", b"half\n", b"reset\n")))
    await end_of(wire)


@way("web")
async def backend_ends_its_side_of_the_tunnel(wire: Wire, rng: Random) -> None:
    await tunnel(wire, b"bye\n")
    assert await wire.rest() == b"bye"
    await leave(wire, rng)


@way("web")
async def leaves_the_tunnel_amid_a_flood(wire: Wire, rng: Random) -> None:
    await tunnel(wire, b"flood\n")
    await wire.exactly(300_000)
    await leave(wire, rng)


@way("web")
async def leaves_before_the_tunnel(wire: Wire, rng: Random) -> None:
    await wire.send(get("tunnel", *UPGRADE))
    await leave(wire, rng)


@way("web-short")
async def idles_in_the_tunnel(wire: Wire, rng: Random) -> None:
    await tunnel(wire, b"hold\n")
    await end_of(wire)
