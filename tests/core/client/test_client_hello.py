"""Hellos that ssl and openssl make, hellos made by hand, any split of them, and every way to spoil one."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.client.client_hello import MAX_SIZE, ClientHello, HelloReader
from proxy.core.errors import BadHello

if TYPE_CHECKING:
    from collections.abc import Iterable


def vector(size: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return len(data).to_bytes(size) + data


def extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2) + vector(2, data)


def server_name(*names: bytes, kind: int = 0) -> bytes:
    return extension(0, vector(2, *(bytes([kind]) + vector(2, name) for name in names)))


def alpn(*protocols: bytes) -> bytes:
    return extension(16, vector(2, *(vector(1, protocol) for protocol in protocols)))


def message(*extensions: bytes, suites: bytes = b"\x13\x01", session: bytes = b"", compression: bytes = b"\0") -> bytes:
    body = b"\3\3" + bytes(32) + vector(1, session) + vector(2, suites) + vector(1, compression)
    return b"\1" + vector(3, body, vector(2, *extensions) if extensions else b"")


def records(data: bytes, size: int = 2**14) -> bytes:
    return b"".join(b"\x16\3\1" + vector(2, data[at : at + size]) for at in range(0, len(data), size))


HELLO = records(message(extension(0x2A2A, b""), server_name(b"API.Example.com"), alpn(b"h2", b"http/1.1")))
PARSED = ClientHello("api.example.com", (b"h2", b"http/1.1"))


def read(*pieces: bytes) -> ClientHello | None:
    reader = HelloReader()
    found = None
    for piece in pieces:
        if found is None:
            found = reader.feed(piece)
    return found


def outcome(pieces: Iterable[bytes]) -> object:
    try:
        return read(*pieces)
    except BadHello as error:
        return error.reason, error.detail


def split(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = [0, *sorted(cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


# ---------------------------------------------------------------------- what others make


def hello_of_ssl(name: str | None, protocols: list[str], version: ssl.TLSVersion) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = name is not None
    context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(protocols)
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["www.example.com", "a", None])
@pytest.mark.parametrize("protocols", [[], ["h2", "http/1.1"]])
def test_a_hello_of_the_ssl_module(name: str | None, protocols: list[str], version: ssl.TLSVersion) -> None:
    expected = ClientHello(name or "", tuple(protocol.encode() for protocol in protocols))
    assert read(hello_of_ssl(name, protocols, version)) == expected


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program is not installed")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_hello_of_openssl(version: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        command = [
            "openssl",
            "s_client",
            "-connect",
            address,
            "-servername",
            "Shop.Example.org",
            "-alpn",
            "h2",
            version,
        ]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as _:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(5)
                reader, found = HelloReader(), None
                while found is None:
                    found = reader.feed(connection.recv(100))
    assert found == ClientHello("shop.example.org", (b"h2",))


# ---------------------------------------------------------------------- what may be


def test_without_extensions() -> None:
    assert read(records(message())) == ClientHello("", ())


def test_names_of_other_types_are_passed_over() -> None:
    names = b"\7" + vector(2, b"\xff") + b"\0" + vector(2, b"a.b")
    assert read(records(message(extension(0, vector(2, names))))) == ClientHello("a.b", ())
    assert read(records(message(server_name(b"x", kind=9)))) == ClientHello("", ())


def test_a_final_dot_is_dropped() -> None:
    assert read(records(message(server_name(b"a.example.")))) == ClientHello("a.example", ())


def test_what_follows_is_not_looked_at() -> None:
    assert read(HELLO + b"\x17early data") == PARSED
    assert read(records(HELLO[5:] + b"\xff another message in the same record")) == PARSED


@given(st.sets(st.integers(0, len(HELLO))), st.integers(1, 60))
def test_any_split_into_segments_and_records_gives_the_same(cuts: set[int], size: int) -> None:
    assert read(*split(HELLO, cuts)) == PARSED
    again = records(HELLO[5:], size)
    assert read(*split(again, cuts)) == PARSED


def test_byte_by_byte_it_is_complete_with_its_last() -> None:
    reader = HelloReader()
    assert all(reader.feed(HELLO[at : at + 1]) is None for at in range(len(HELLO) - 1))
    assert reader.feed(HELLO[-1:]) == PARSED


# ---------------------------------------------------------------------- what may not


MALFORMED = {
    "another protocol": (b"GET / HTTP/1.1\r\n", "not-tls", "this is not a TLS handshake"),
    "its first byte": (b"G", "not-tls", "this is not a TLS handshake"),
    "SSL 2.0": (b"\x80\x2e\1\0\2", "not-tls", "this is not a TLS handshake"),
    "an alert": (b"\x15\3\1\0\2\2\0", "not-tls", "this is not a TLS handshake"),
    "version 4": (b"\x16\4", "not-tls", "this is not a TLS handshake"),
    "an empty record": (b"\x16\3\1\0\0", "client-hello", "a record of 0 bytes"),
    "a record over 2^14": (b"\x16\3\1\x40\1", "client-hello", "a record of 16385 bytes"),
    "a ServerHello": (records(b"\2"), "client-hello", "the handshake begins with another message"),
    "a record of another kind within": (
        records(HELLO[5:20]) + b"\x17", "client-hello", "another record stands within it",
    ),
    "a message of 16 MiB": (records(b"\1\xff\xff\xff"), "client-hello-too-large", f"over {MAX_SIZE} bytes"),
    "many records": (records(b"\1\0\x3f\xff" + bytes(MAX_SIZE), 1), "client-hello-too-large", f"over {MAX_SIZE} bytes"),
    "nothing in it": (records(b"\1\0\0\0"), "client-hello", "version and random: 34 bytes said, 0 there"),
    "a long session": (records(message(session=bytes(33))), "client-hello", "session: a length of 33"),
    "half a suite": (records(message(suites=b"\x13\1\x13")), "client-hello", "cipher suites: half a suite at the end"),
    "no suite": (records(message(suites=b"")), "client-hello", "cipher suites: a length of 0"),
    "no compression": (records(message(compression=b"")), "client-hello", "compression methods: a length of 0"),
    "half a length": (records(b"\1" + vector(3, message()[4:] + b"\0")), "client-hello",
                      "extensions: 2 bytes said, 1 there"),
    "bytes behind": (records(b"\1" + vector(3, message()[4:] + b"\0\0!")), "client-hello",
                     "extensions: 1 bytes too many"),
    "half an extension": (records(message(b"\0")), "client-hello", "extension: 2 bytes said, 1 there"),
    "an extension over the end": (records(message(b"\0\1\0\5abc")), "client-hello", "extension: 5 bytes said, 3 there"),
    "one twice": (records(message(alpn(b"h2"), alpn(b"h2"))), "client-hello", "extension 16 comes twice"),
    "a name list over the end": (records(message(extension(0, b"\0\x09\0"))), "client-hello",
                                 "server name list: 9 bytes said, 1 there"),
    "an empty name list": (records(message(extension(0, b"\0\0"))), "client-hello", "server name list: a length of 0"),
    "an empty name": (records(message(server_name(b""))), "client-hello", "server name: a length of 0"),
    "two names": (records(message(server_name(b"a", b"b"))), "client-hello", "two server names of one type"),
    "bytes behind the list": (records(message(extension(0, vector(2, b"\0\0\1a") + b"!"))), "client-hello",
                              "server name: 1 bytes too many"),
    "a NUL in the name": (records(message(server_name(b"a\0b"))), "client-hello", "the server name is not a host name"),
    "a line break in the name": (records(message(server_name(b"a\n"))), "client-hello",
                                 "the server name is not a host name"),
    "no protocol": (records(message(alpn())), "client-hello", "ALPN list: a length of 0"),
    "an empty protocol": (records(message(alpn(b"", b"h2"))), "client-hello", "ALPN protocol: a length of 0"),
    "a protocol over the end": (records(message(extension(16, b"\0\2\5h"))), "client-hello",
                                "ALPN protocol: 5 bytes said, 1 there"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "reason", "detail"), MALFORMED.values(), ids=MALFORMED)
def test_malformed(data: bytes, reason: str, detail: str) -> None:
    assert outcome([data]) == (reason, detail)
    assert outcome(data[at : at + 1] for at in range(len(data))) == (reason, detail)


def test_a_hello_just_small_enough() -> None:
    room = MAX_SIZE - len(records(message(extension(21, b""))))
    padded = records(message(extension(21, bytes(room))))
    assert len(padded) == MAX_SIZE
    assert read(padded) == ClientHello("", ())
    assert outcome([records(message(extension(21, bytes(room + 1))))]) == (
        "client-hello-too-large", f"over {MAX_SIZE} bytes",
    )  # fmt: skip


@given(st.data())
def test_a_spoilt_hello_is_an_error_or_another_hello_however_it_is_split(data: st.DataObject) -> None:
    spoilt = bytearray(data.draw(st.sampled_from([HELLO, records(HELLO[5:], 7)])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(spoilt) - 1))
        how = data.draw(st.sampled_from(["set", "insert", "delete"]))
        if how == "set":
            spoilt[at] = data.draw(st.integers(0, 255))
        elif how == "insert":
            spoilt[at:at] = data.draw(st.binary(max_size=9))
        elif len(spoilt) > 9:
            del spoilt[at : at + data.draw(st.integers(1, 9))]
    cuts = data.draw(st.sets(st.integers(0, len(spoilt))))
    assert outcome([bytes(spoilt)]) == outcome(split(bytes(spoilt), cuts))


@given(st.lists(st.binary(max_size=400), max_size=8))
def test_noise_behind_a_good_beginning(pieces: list[bytes]) -> None:
    outcome([b"\x16\3\1\x20\0\1\0\x1f\xfc", *pieces])
    outcome([b"\x16\3\1", *pieces])


def test_it_holds_no_more_than_the_limit() -> None:
    reader = HelloReader()
    data = records(b"\1\0\x3f\x00" + bytes(4 * MAX_SIZE), 2000)
    with pytest.raises(BadHello, match="over"):
        reader.feed(data)
    assert len(reader._message) <= MAX_SIZE
