"""TLS over a pair of real sockets, both ends ours: the methods of a plain socket, and no byte lost or invented."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from contextlib import contextmanager
from random import Random
from select import EPOLLIN
from typing import TYPE_CHECKING

import pytest

from proxy.engine.reactor import READ, Reactor
from proxy.engine.tls.tls_socket import RAW_READ, RECORD, RECORDS, TlsSocket, Truncated
from tests.tls import client_context, server_context

if TYPE_CHECKING:
    from collections.abc import Iterator

BIG = os.urandom(3 << 20)
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class Events:
    """A reactor of which only the announcements matter."""

    def __init__(self) -> None:
        self.announced: list[int] = []

    def announce(self, fd: int, mask: int) -> None:
        assert mask in (READ, EPOLLIN)
        self.announced.append(fd)


class Pair:
    """near, far: the server's and the client's end; raw: the sockets under them, in that order."""

    def __init__(self, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        self.raw = socket.socketpair()
        for sock in self.raw:
            sock.setblocking(False)
        theirs = client_context()
        theirs.maximum_version = version
        self.events = Events()
        reactor: Reactor = self.events  # type: ignore[assignment]
        self.near = TlsSocket(self.raw[0], server_context(), reactor, server_side=True)
        self.far = TlsSocket(self.raw[1], theirs, reactor, server_side=False, server_hostname="localhost")

    def shake(self) -> None:
        done = [False, False]
        while not all(done):
            done = [self.far.handshake(), self.near.handshake()]
        self.quiet()

    def quiet(self) -> None:
        """The client takes in its session tickets."""
        for end in (self.far, self.near):
            with pytest.raises(BlockingIOError):
                end.recv(1)


@contextmanager
def pair(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, *, is_ready: bool = True) -> Iterator[Pair]:
    both = Pair(version)
    try:
        if is_ready:
            both.shake()
        yield both
    finally:
        both.near.close()
        both.far.close()


def read_all(end: TlsSocket, size: int = 1 << 20) -> bytes:
    """What is here now, or before the end."""
    data = b""
    try:
        while more := end.recv(size):
            data += more
    except BlockingIOError:
        pass
    return data


def carry(source: TlsSocket, sink: TlsSocket, data: bytes, piece: int = 64 * 1024) -> bytes:
    """As a flow does it: what was not taken comes first in the next send. Returns what arrived."""
    arrived = b""
    left = memoryview(data)
    while left:
        try:
            left = left[source.send(left[:piece]) :]
        except BlockingIOError:
            arrived += read_all(sink)
    return arrived + read_all(sink)


def fill(source: TlsSocket, piece: int) -> int:
    """Sends as much of BIG as finds room."""
    sent = 0
    try:
        while True:
            sent += source.send(memoryview(BIG)[sent : sent + piece])
    except BlockingIOError:
        return sent


@pytest.mark.parametrize("version", VERSIONS)
def test_bytes_arrive_both_ways(version: ssl.TLSVersion) -> None:
    with pair(version) as p:
        assert p.near.tls.version() == {771: "TLSv1.2", 772: "TLSv1.3"}[version]
        assert p.far.send(b"ping") == 4
        assert p.near.recv(100) == b"ping"
        assert p.near.send(memoryview(b"pong")) == 4
        assert p.far.recv(100) == b"pong"


@pytest.mark.parametrize("piece", [1000, RECORD, RECORD + 1, 64 * 1024, 1 << 20])
def test_megabytes_against_a_full_socket_arrive_as_they_were(piece: int) -> None:
    with pair() as p:
        assert carry(p.near, p.far, BIG, piece) == BIG
        assert carry(p.far, p.near, BIG, piece) == BIG
        assert not p.near.has_unsent


def test_recv_is_never_short_while_something_is_in_memory() -> None:
    with pair() as p:
        data = BIG[:60_000]
        for start in range(0, len(data), 777):
            p.far.send(data[start : start + 777])
        assert p.near.recv(10) == data[:10]
        assert p.near.recv(50_000) == data[10:50_010]
        assert p.near.recv(1 << 20) == data[50_010:]


def test_recv_waits_for_the_rest_of_a_record() -> None:
    with pair() as p:
        p.far.send(b"whole")
        record = p.raw[0].recv(1000)
        for byte in range(len(record) - 1):
            p.raw[1].send(record[byte : byte + 1])
            with pytest.raises(BlockingIOError):
                p.near.recv(100)
        p.raw[1].send(record[-1:])
        assert p.near.recv(100) == b"whole"


def test_peek_takes_nothing() -> None:
    with pair() as p:
        with pytest.raises(BlockingIOError):
            p.near.recv(1, socket.MSG_PEEK)
        p.far.send(b"abc")
        assert p.near.recv(1, socket.MSG_PEEK) == b"a"
        assert p.near.recv(2, socket.MSG_PEEK) == b"ab"
        assert p.near.recv(100) == b"abc"


def test_memory_is_bounded_when_the_peer_reads_nothing() -> None:
    with pair() as p:
        left = memoryview(BIG)[fill(p.near, len(BIG)) :]
        for _ in range(100):
            with pytest.raises(BlockingIOError):
                p.near.send(left)
        assert sum(map(len, p.near._unsent)) < (RECORDS + 1) * RECORD


# ---------------------------------------------------------------------- ends


@pytest.mark.parametrize("version", VERSIONS)
def test_each_direction_ends_alone(version: ssl.TLSVersion) -> None:
    with pair(version) as p:
        p.near.shutdown(socket.SHUT_WR)
        assert p.far.recv(100) == b""
        assert p.far.recv(100) == b""
        assert carry(p.far, p.near, BIG) == BIG
        p.far.shutdown(socket.SHUT_WR)
        assert p.near.recv(100) == b""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("held", [0, 1, 40, 20_000])
def test_end_of_ours_leaves_what_the_peer_has_sent(version: ssl.TLSVersion, held: int) -> None:
    """However much of it is ciphertext, decrypted, or half a record when we say that we have ended."""
    with pair(version) as p:
        data = BIG[:60_000]
        p.far.send(data)
        seen = p.near.recv(held) if held else b""
        p.near.shutdown(socket.SHUT_WR)
        assert seen + read_all(p.near) == data
        assert p.far.send(b"more") == 4
        assert p.near.recv(100) == b"more"


def test_end_that_comes_with_data_is_announced() -> None:
    with pair() as p:
        p.far.send(b"bye")
        p.far.shutdown(socket.SHUT_WR)
        assert p.near.recv(100) == b"bye"
        assert p.events.announced == [p.near.fileno()]
        assert p.near.recv(100) == b""


def test_end_without_close_notify_is_an_error_behind_the_data() -> None:
    with pair() as p:
        p.far.send(b"half")
        p.raw[1].shutdown(socket.SHUT_WR)
        assert p.near.recv(100) == b"half"
        for _ in range(2):
            with pytest.raises(Truncated):
                p.near.recv(100)


def test_reset_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        raw = socket.create_connection(listening.getsockname())
        near = TlsSocket(listening.accept()[0], server_context(), Events(), server_side=True)  # type: ignore[arg-type]
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raw.close()
        with pytest.raises(ConnectionResetError):
            near.handshake()
        near.close()


def test_end_waits_for_room_and_is_said_then() -> None:
    with pair() as p:
        sent = fill(p.near, RECORD)
        with pytest.raises(BlockingIOError):
            p.near.shutdown(socket.SHUT_WR)
        with pytest.raises(BlockingIOError):
            p.near.shutdown(socket.SHUT_WR)
        data = read_all(p.far)
        p.near.shutdown(socket.SHUT_WR)
        data += read_all(p.far)
        assert data.startswith(BIG[:sent])
        assert p.far.recv(10) == b""


def test_record_that_was_tampered_with_is_an_error_and_says_so() -> None:
    with pair() as p:
        p.far.send(b"x" * 100)
        record = bytearray(p.raw[0].recv(1000))
        record[50] ^= 1
        p.raw[1].send(record)
        with pytest.raises(ssl.SSLError, match="bad record mac"):
            p.near.recv(1000)
        with pytest.raises(ssl.SSLError, match="alert"):
            p.far.recv(1000)


# ---------------------------------------------------------------------- handshake


def test_garbage_in_place_of_a_handshake_is_answered_with_an_alert() -> None:
    with pair(is_ready=False) as p:
        p.raw[1].send(b"\x16\x03\x01\x00\x05hello")
        with pytest.raises(ssl.SSLError):
            p.near.handshake()
        assert p.raw[1].recv(100)[0] == 21


def test_end_within_the_handshake_is_an_error() -> None:
    with pair(is_ready=False) as p:
        assert not p.far.handshake()
        assert not p.near.handshake()
        p.raw[1].close()
        with pytest.raises(OSError) as caught:  # noqa: PT011
            p.near.handshake()
        assert isinstance(caught.value, Truncated) or caught.value.errno in (errno.EPIPE, errno.ECONNRESET)


def test_handshake_byte_by_byte_with_a_request_right_behind_it() -> None:
    with pair(is_ready=False) as p:
        wire = socket.socketpair()
        for sock in wire:
            sock.setblocking(False)
        far = TlsSocket(wire[0], client_context(), Events(), server_side=False, server_hostname="localhost")  # type: ignore[arg-type]

        def feed(data: bytes) -> None:
            for byte in range(len(data)):
                p.raw[1].send(data[byte : byte + 1])
                is_done[0] = p.near.handshake()

        is_done = [False]
        far.handshake()
        feed(wire[1].recv(65536))
        wire[1].send(p.raw[1].recv(65536))
        assert far.handshake()
        far.send(b"request")
        feed(wire[1].recv(65536))
        assert is_done[0]
        p.near.announce()
        assert p.near.recv(100) == b"request"
        far.close()
        wire[1].close()


def test_first_bytes_behind_the_handshake_are_announced() -> None:
    with pair(is_ready=False) as p:
        p.far.handshake()
        p.near.handshake()
        assert p.far.handshake()
        p.far.send(b"request")
        assert p.near.handshake()
        p.near.announce()
        assert p.events.announced == [p.near.fileno()]
        assert p.near.recv(100) == b"request"
        p.near.announce()
        assert len(p.events.announced) == 1


# ---------------------------------------------------------------------- any order


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_calls_on_both_ends_gives_the_same_two_streams(seed: int) -> None:
    rng = Random(seed)
    with pair(rng.choice(VERSIONS)) as p:
        ends = [p.near, p.far]
        to_send = [memoryview(BIG)[: rng.randrange(500_000)] for _ in ends]
        whole = [bytes(data) for data in to_send]
        got = [b"", b""]
        is_shut, has_ended = [False, False], [False, False]
        while not all(has_ended):
            me = rng.randrange(2)
            try:
                if rng.random() < 0.5:
                    data = ends[me].recv(rng.choice([1, 100, 5_000, RAW_READ, 200_000]))
                    got[1 - me] += data
                    has_ended[me] = not data
                elif to_send[me]:
                    taken = ends[me].send(to_send[me][: rng.choice([1, 100, 5_000, RECORD, 200_000])])
                    to_send[me] = to_send[me][taken:]
                elif not is_shut[me]:
                    ends[me].shutdown(socket.SHUT_WR)
                    is_shut[me] = True
            except BlockingIOError:
                pass
        assert got == whole
