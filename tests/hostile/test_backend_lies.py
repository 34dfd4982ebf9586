"""Bad answers from a backend: the client gets 502 or a connection that visibly breaks, never a clean wrong answer; and
the connection to the backend is not used again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from tests.engine.support import OK, ask, backend, client, config, proxy, status, tracebacks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.engine.support import Wire

PIECE = "\N{BROKEN BAR}".encode()  # in a lie: the next segment starts here
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
LARGE = b"x" * 200_000


def lie(status_line: bytes, *lines: bytes, body: bytes = b"") -> bytes:
    return b"".join(line + b"\r\n" for line in (status_line, *lines)) + b"\r\n" + body


def ok(*lines: bytes, body: bytes = b"hello") -> bytes:
    return lie(b"HTTP/1.1 200 OK", *lines, body=body)


def chunked(body: bytes) -> bytes:
    return ok(b"Transfer-Encoding: chunked", body=body)


FIVE = b"Content-Length: 5"
BAD_HEADS: dict[str, bytes] = {  # nothing of these may reach the client
    "no head at all": b"hello\r\n\r\n",
    "HTTP/0.9": b"<html></html>\r\n\r\n",
    "HTTP/2.0": lie(b"HTTP/2.0 200 OK", FIVE, body=b"hello"),
    "HTTP/1.2": lie(b"HTTP/1.2 200 OK", FIVE, body=b"hello"),
    "lower case": lie(b"http/1.1 200 OK", FIVE, body=b"hello"),
    "another protocol": lie(b"ICE/1.0 200 OK", FIVE, body=b"hello"),
    "a request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "two digits": lie(b"HTTP/1.1 20 OK", FIVE, body=b"hello"),
    "four digits": lie(b"HTTP/1.1 2000 OK", FIVE, body=b"hello"),
    "status 000": lie(b"HTTP/1.1 000 OK", FIVE, body=b"hello"),
    "status 099": lie(b"HTTP/1.1 099 OK", FIVE, body=b"hello"),
    "status 600": lie(b"HTTP/1.1 600 OK", FIVE, body=b"hello"),
    "status 999": lie(b"HTTP/1.1 999 OK", FIVE, body=b"hello"),
    "an interim answer with a length": lie(b"HTTP/1.1 103 Early", b"Content-Length: 38", body=POISON),
    "an interim answer in chunks": lie(b"HTTP/1.1 100 Continue", b"Transfer-Encoding: chunked", body=POISON),
    "negative status": lie(b"HTTP/1.1 -20 OK", FIVE, body=b"hello"),
    "status of letters": lie(b"HTTP/1.1 abc OK", FIVE, body=b"hello"),
    "no status": lie(b"HTTP/1.1", FIVE, body=b"hello"),
    "two spaces": lie(b"HTTP/1.1  200 OK", FIVE, body=b"hello"),
    "a tab": lie(b"HTTP/1.1\t200 OK", FIVE, body=b"hello"),
    "length and chunks": ok(FIVE, b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunks and length": ok(b"Transfer-Encoding: chunked", FIVE, body=b"5\r\nhello\r\n0\r\n\r\n"),
    "two lengths": ok(FIVE, b"Content-Length: 6"),
    "two equal lengths": ok(FIVE, FIVE),
    "a list of lengths": ok(b"Content-Length: 5, 5"),
    "an empty length": ok(b"Content-Length:"),
    "a signed length": ok(b"Content-Length: +5"),
    "a negative length": ok(b"Content-Length: -1"),
    "a hex length": ok(b"Content-Length: 0x5"),
    "a blank in a length": ok(b"Content-Length: 5 5"),
    "a length over 64 bits": ok(b"Content-Length: 18446744073709551621"),
    "another coding": ok(b"Transfer-Encoding: gzip"),
    "a coding before chunked": ok(b"Transfer-Encoding: gzip, chunked"),
    "a coding behind chunked": ok(b"Transfer-Encoding: chunked, gzip"),
    "chunked twice": ok(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunked in a list twice": ok(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "identity": ok(b"Transfer-Encoding: identity"),
    "an obscured coding": ok(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "0x0b before chunked": ok(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "chunked in HTTP/1.0": lie(b"HTTP/1.0 200 OK", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "a space before a colon": ok(b"Content-Length : 5"),
    "a tab before a colon": ok(b"X\t: y", FIVE),
    "a blank before a name": ok(b" X: y", FIVE),
    "obs-fold": ok(b"X: y\r\n z", FIVE),
    "obs-fold of a length": ok(b"Content-Length:\r\n 5"),
    "no colon": ok(b"nothing", FIVE),
    "no name": ok(b": y", FIVE),
    "no token": ok(b"X(Y): z", FIVE),
    "a byte over 127 in a name": ok(b"X\xff: z", FIVE),
    "NUL in a value": ok(b"X: a\x00b", FIVE),
    "NUL in a name": ok(b"X\x00: b", FIVE),
    "DEL in a value": ok(b"X: \x7f", FIVE),
    "ESC in a value": ok(b"X: \x1b[31m", FIVE),
    "bare LF in a value": ok(b"X: a\nSet-Cookie: b", FIVE),
    "bare CR in a value": ok(b"X: a\rSet-Cookie: b", FIVE),
    "bare LF everywhere": ok(FIVE).replace(b"\r\n", b"\n") + b"\r\n\r\n",
    "bare LF behind the status": b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello",
    "bare LF ends the head": b"HTTP/1.1 200 OK\r\nContent-Length: 5\n\nhello\r\n\r\n",
    "CR CR LF": b"HTTP/1.1 200 OK\r\r\nContent-Length: 5\r\n\r\nhello",
    "too many fields": ok(*[b"X: y"] * 300, FIVE),
    "a head too large": ok(b"X: " + b"y" * 70_000, FIVE),
    "unasked 101": lie(b"HTTP/1.1 101 Switching", b"Connection: upgrade", b"Upgrade: websocket", body=b"\x81\x05hello"),
    "unasked 101 to h2c": lie(b"HTTP/1.1 101 Switching", b"Connection: upgrade", b"Upgrade: h2c"),
    "101 without Upgrade": lie(b"HTTP/1.1 101 Switching", body=b"hello"),
    "chunk size without digits": chunked(b"\r\nhello\r\n0\r\n\r\n"),
    "a negative chunk": chunked(b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size of 0x": chunked(b"0x5\r\nhello\r\n0\r\n\r\n"),
    "an overlong chunk size": chunked(b"00000000000000005\r\nhello\r\n0\r\n\r\n"),
    "a blank behind a chunk size": chunked(b"5 \r\nhello\r\n0\r\n\r\n"),
    "bare LF behind a chunk size": chunked(b"5\nhello\r\n0\r\n\r\n"),
    "no CRLF behind a chunk": chunked(b"5\r\nhello0\r\n\r\n"),
    "a longer chunk": chunked(b"5\r\nhello world\r\n0\r\n\r\n"),
    "LF in an extension": chunked(b"5;a=\nb\r\nhello\r\n0\r\n\r\n"),
    "a bad trailer": chunked(b"5\r\nhello\r\n0\r\nX : y\r\n\r\n"),
    "obs-fold in a trailer": chunked(b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"),
    "control byte in a trailer": chunked(b"5\r\nhello\r\n0\r\nX: \x00\r\n\r\n"),
    "a thousand digits": ok(b"Content-Length: " + b"0" * 5000 + b"x"),
}
NEVER_A_HEAD: dict[str, bytes] = {  # and no blank line ever comes
    "HTTP/0.9": b"<html>hello</html>",
    "a TLS alert": b"\x15\x03\x03\x00\x02\x02\x46",
    "HTTP/2 settings": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "SMTP": b"220 hello\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "bare CR": b"HTTP/1.1 200 OK\rContent-Length: 5\r\rhello",
    "HTTP/2 in a status line": b"HTTP/2 200",
    "one wrong byte": b"x",
    "a line end": b"\r\n",
    "garbage in a segment of its own": b"HTTP/1.1 2" + PIECE + b"hello",
}
MANY_ZEROS = ok(b"Content-Length: " + b"0" * 5000 + b"5")  # int() refuses it, llhttp does not
INTERIM_STORM = lie(b"HTTP/1.1 103 Early Hints", b"Link: </a>") * 40 + ok(FIVE)
BROKEN_OFF: dict[
    str, bytes
] = {  # the connection to the backend ends here: its client must see that something is missing
    "nothing": b"",
    "half a status line": b"HTTP/1.1 20",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "a head and no body": ok(FIVE, body=b""),
    "a short body": ok(FIVE, body=b"hell"),
    "a large short body": ok(b"Content-Length: 300000", body=LARGE),
    "no chunk": chunked(b""),
    "within a chunk size": chunked(b"5"),
    "within a chunk": chunked(b"5\r\nhel"),
    "no last chunk": chunked(b"5\r\nhello\r\n"),
    "within the last chunk": chunked(b"5\r\nhello\r\n0\r\n"),
    "within a trailer": chunked(b"5\r\nhello\r\n0\r\nX: y\r\n"),
    "a large chunk": chunked(b"100000\r\n" + LARGE),
    "an interim head only": lie(b"HTTP/1.1 103 Early Hints"),
    "an error within chunks": chunked(b"5\r\nhello\r\n" + PIECE + b"x\r\n0\r\n\r\n"),
    "an error behind a large chunk": chunked(b"%x\r\n%bXX0\r\n\r\n" % (len(LARGE), LARGE)),
    "another answer in a short body": ok(b"Content-Length: 300", body=POISON),
}


@dataclass(frozen=True)
class Right:
    """A complete and correct answer, and then more: the client gets the answer, the connection is spent."""

    data: bytes
    body: bytes
    request: bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
BYTES_BEHIND: dict[str, Right] = {
    "a second answer": Right(ok(FIVE) + POISON, b"hello"),
    "a line end": Right(ok(FIVE) + b"\r\n", b"hello"),
    "one byte": Right(ok(FIVE) + b"x", b"hello"),
    "to a HEAD, a body": Right(ok(FIVE), b"", HEAD),
    "to a HEAD, an answer as a body": Right(ok(b"Content-Length: %d" % len(POISON), body=POISON), b"", HEAD),
    "204 with a body": Right(lie(b"HTTP/1.1 204 No Content", FIVE, body=b"hello"), b""),
    "204 with chunks": Right(lie(b"HTTP/1.1 204 No Content", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), b""),
    "204 with a body that comes later": Right(lie(b"HTTP/1.1 204 No Content", FIVE) + PIECE + b"hello", b""),
    "304 with a body": Right(lie(b"HTTP/1.1 304 Not Modified", FIVE, body=b"hello"), b""),
    "behind chunks": Right(chunked(b"5\r\nhello\r\n0\r\n\r\n") + POISON, b"hello"),
    "behind chunks, body in a segment of its own": Right(
        chunked(b"") + PIECE + b"5\r\nhello\r\n0\r\n\r\n" + POISON, b"hello"
    ),
    "behind a trailer": Right(chunked(b"5\r\nhello\r\n0\r\nSet-Cookie: y\r\n\r\n") + POISON, b"hello"),
    "behind an empty body": Right(ok(b"Content-Length: 0", body=b"") + POISON, b""),
    "behind a body in a segment of its own": Right(ok(FIVE, body=b"") + PIECE + b"hello" + POISON, b"hello"),
    "behind the rest of a body": Right(ok(FIVE, body=b"he") + PIECE + b"llo" + POISON, b"hello"),
    "behind a large body": Right(ok(b"Content-Length: %d" % len(LARGE), body=LARGE) + POISON, LARGE),
    "behind a body that goes by pipe": Right(
        ok(b"Content-Length: %d" % (10 * len(LARGE)), body=10 * LARGE) + POISON, 10 * LARGE
    ),
    "behind large chunks": Right(chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(LARGE), LARGE)) + POISON, LARGE),
    "in a segment of its own": Right(ok(FIVE) + PIECE + POISON, b"hello"),
}


def lying_once(data: bytes, *, then_close: bool) -> Callable[[Wire], Awaitable[None]]:
    """The first connection answers its first request with the lie; everything else is answered `ok`."""
    is_first = True

    async def script(wire: Wire) -> None:
        nonlocal is_first
        lies, is_first = is_first, False
        while True:
            await wire.request()
            for piece in data.split(PIECE) if lies else [OK]:
                await wire.send(piece)
                await trio.testing.wait_all_tasks_blocked()
            if lies and then_close:
                return
            lies = False

    return script


def without_interim(answer: bytes) -> bytes:
    while answer.startswith(b"HTTP/1.1 1"):
        answer = answer.partition(b"\r\n\r\n")[2]
    return answer


def is_whole(answer: bytes) -> bool:
    """Whether a client would take this for a complete response; its connection ended cleanly behind it."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    if b"Transfer-Encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    length = head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
    return not length or len(body) >= int(length)


async def result_of(wire: Wire) -> tuple[bytes, bool]:
    """All that the client gets, and whether its connection was reset."""
    try:
        return await wire.rest(), False
    except trio.BrokenResourceError:
        return wire.buffer, True


CLOSING = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("name", BAD_HEADS)
async def test_a_bad_answer_is_a_502(name: str, caplog: pytest.LogCaptureFixture) -> None:
    await is_refused(BAD_HEADS[name])
    assert not tracebacks(caplog)


@pytest.mark.parametrize("name", NEVER_A_HEAD)
async def test_what_cannot_become_an_answer_is_not_waited_for(name: str) -> None:
    """The deadline of a response's head is 60 s here, that of this test 8 s."""
    await is_refused(NEVER_A_HEAD[name])


async def test_more_digits_than_int_takes_are_a_502(caplog: pytest.LogCaptureFixture) -> None:
    """Or the five bytes that they say."""
    async with backend(lying_once(MANY_ZEROS, then_close=False)) as lying, proxy(config(lying.address)) as server:
        head, _ = await ask(server)
        assert status(head) in (200, 502)
        assert await ask(server)
    assert not tracebacks(caplog)


@pytest.mark.parametrize("byte", [b"\x00", b"\x01", b"\x1b", b"\x7f"])
async def test_a_bad_reason_phrase_is_not_passed_on(byte: bytes) -> None:
    """Nobody reads it, and real backends write what they like there: it is left out, or the answer is."""
    answer = lie(b"HTTP/1.1 200 O" + byte + b"K", FIVE, body=b"hello")
    async with backend(lying_once(answer, then_close=False)) as lying, proxy(config(lying.address)) as server:
        head, body = await ask(server)
    assert (status(head), body) == (200, b"hello") or status(head) == 502
    assert byte not in head


async def test_a_storm_of_interim_answers_is_a_502() -> None:
    await is_refused(INTERIM_STORM)


async def is_refused(data: bytes) -> None:
    async with backend(lying_once(data, then_close=False)) as lying, proxy(config(lying.address)) as server:
        async with client(server) as wire:
            await wire.send(CLOSING)
            answer, _ = await result_of(wire)
        answer = without_interim(answer)
        assert status(answer) == 502, answer[:300]
        assert b"hello" not in answer
        assert b"poison" not in answer
        assert (await ask(server))[1] == b"ok"
        assert lying.connections == 2


@pytest.mark.parametrize("name", BROKEN_OFF)
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_an_answer_broken_off_is_visible(name: str, version: bytes) -> None:
    script = lying_once(BROKEN_OFF[name], then_close=True)
    async with backend(script) as lying, proxy(config(lying.address, retry_on=())) as server:  # else it is asked again
        async with client(server) as wire:
            await wire.send(CLOSING.replace(b"1.1", version))
            answer, was_reset = await result_of(wire)
        answer = without_interim(answer)
        assert was_reset or not is_whole(answer) or status(answer) == 502, answer[:300]
        assert (await ask(server))[1] == b"ok"
        assert lying.connections == 2


@pytest.mark.parametrize("name", BYTES_BEHIND)
async def test_bytes_behind_a_complete_answer_spend_the_connection(name: str) -> None:
    right = BYTES_BEHIND[name]
    async with backend(lying_once(right.data, then_close=False)) as lying, proxy(config(lying.address)) as server:
        async with client(server) as wire:
            await wire.send(right.request)
            _, body = await wire.response(to_head=right.request is HEAD)
        assert body == right.body
        if right.data.endswith(PIECE + POISON):  # nothing tells it from an early word, but an event
            await trio.testing.wait_all_tasks_blocked()
        assert (await ask(server))[1] == b"ok"
        assert lying.connections == 2
