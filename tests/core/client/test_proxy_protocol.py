"""PROXY headers: the exact grammar, and any split of the bytes. Other implementations
are met in clients/test_proxy_protocol.py."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.client.crc32c import crc32c
from proxy.core.client.proxy_header_writer import LOCAL, encode_tlv
from proxy.core.client.proxy_protocol import (
    AUTHORITY,
    CRC32C,
    MAX_HEADER,
    SIGNATURE,
    SSL,
    UNIQUE_ID,
    ProxyHeader,
    parse,
)
from proxy.core.errors import BadProxyHeader

REQUEST = b"GET / HTTP/1.1\r\n\r\n"
CLIENT, SERVER = ("203.0.113.7", 56324), ("192.0.2.1", 443)
CLIENT_6, SERVER_6 = ("2001:db8::7", 1), ("2001:db8::", 65535)
TCP4_ADDRESSES = bytes([203, 0, 113, 7, 192, 0, 2, 1]) + struct.pack(">HH", 56324, 443)


def v2(command: int, family: int, block: bytes) -> bytes:
    return SIGNATURE + struct.pack(">BBH", command, family, len(block)) + block


def with_sum(header: bytes) -> bytes:
    """A header whose last TLV is a checksum of zeros, with the right sum in it."""
    return header[:-4] + crc32c(header).to_bytes(4, "big")


def fault(data: bytes) -> tuple[str, str]:
    with pytest.raises(BadProxyHeader) as caught:
        parse(data)
    return caught.value.reason, caught.value.detail


GOOD = {
    "v1 tcp4": (b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 443\r\n", CLIENT, SERVER),
    "v1 tcp6": (b"PROXY TCP6 2001:db8::7 2001:0DB8:0:0:0:0:0:0 1 65535\r\n", CLIENT_6, SERVER_6),
    "v1 mapped": (b"PROXY TCP6 ::ffff:203.0.113.7 ::ffff:c000:201 56324 443\r\n", CLIENT, SERVER),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", None, None),
    "v1 unknown with more": (b"PROXY UNKNOWN ffff::1 what ever \x00 this is\r\n", None, None),
    "v2 tcp4": (v2(0x21, 0x11, TCP4_ADDRESSES), CLIENT, SERVER),
    "v2 mapped": (
        v2(0x21, 0x21, bytes(10) + b"\xff\xff\xcb\x00\x71\x07" + bytes(10) + b"\xff\xff\xc0\x00\x02\x01"
           + struct.pack(">HH", 56324, 443)),
        CLIENT, SERVER,
    ),
    "v2 with a tlv of its own": (v2(0x21, 0x11, TCP4_ADDRESSES + encode_tlv(0xE0, b"x" * 300)), CLIENT, SERVER),
    "v2 padded": (v2(0x21, 0x11, TCP4_ADDRESSES + encode_tlv(4, b"") * 2), CLIENT, SERVER),
    "v2 udp": (v2(0x21, 0x12, TCP4_ADDRESSES), None, None),
    "v2 udp of IPv6": (v2(0x21, 0x22, bytes(36)), None, None),
    "v2 unix": (v2(0x21, 0x31, b"/run/a".ljust(108, b"\0") * 2), None, None),
    "v2 unix datagrams": (v2(0x21, 0x32, bytes(216)), None, None),
    "v2 unspec": (v2(0x21, 0x00, b""), None, None),
    "v2 unspec with a block": (v2(0x21, 0x00, b"\xff" * 99), None, None),
    "v2 local": (LOCAL, None, None),
    "v2 local with a block": (v2(0x20, 0xFF, b"\xff" * 99), None, None),
    "v2 checked": (with_sum(v2(0x21, 0x11, TCP4_ADDRESSES + encode_tlv(CRC32C, bytes(4)))), CLIENT, SERVER),
    "v2 of the greatest size": (
        v2(0x21, 0x11, TCP4_ADDRESSES + encode_tlv(4, bytes(MAX_HEADER - 16 - 12 - 3))), CLIENT, SERVER
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good_headers(name: str) -> None:
    data, source, destination = GOOD[name]
    header = parse(data + REQUEST)
    assert header is not None
    assert (header.size, header.source, header.destination) == (len(data), source, destination)
    for cut in range(len(data)) if len(data) < 500 else (0, 15, 16, 27, 28, len(data) - 1):
        assert parse(data[:cut]) is None


@pytest.mark.parametrize(
    "line",
    [
        b"PROXY\r\n",
        b"PROXY \r\n",
        b"PROXY TCP4\r\n",
        b"PROXY TCP5 203.0.113.7 192.0.2.1 1 2\r\n",
        b"PROXY UDP4 203.0.113.7 192.0.2.1 1 2\r\n",
        b"PROXY tcp4 203.0.113.7 192.0.2.1 1 2\r\n",
        b"PROXY  TCP4 203.0.113.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.7  192.0.2.1 1 2\r\n",
        b"PROXY TCP4\t203.0.113.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 1 2 \r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 1 2 3\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 1\r\n",
        b"PROXY TCP4 203.0.113.07 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.256 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 203.0.113 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 0x7f.0.0.1 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 ::1 192.0.2.1 1 2\r\n",
        b"PROXY TCP6 203.0.113.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP6 ::1 192.0.2.1 1 2\r\n",
        b"PROXY TCP6 1::2::3 ::1 1 2\r\n",
        b"PROXY TCP6 12345::1 ::1 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        b"PROXY TCP6 [::1] ::1 1 2\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 65536 2\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 1 99999\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 01 2\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 -1 2\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 +1 2\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 1 2\n\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 1 2\r\r\n",
        b"PROXY UNKNOWN\n\r\n",
        b"PROXY UNKNOWN a\rb\r\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",  # 108 bytes
        b"PROXY TCP4 203.0.113.7 192.0.2.1 1 2\n" + b"GET / HTTP/1.1\r\n" * 9,
    ],
)
def test_bad_lines(line: bytes) -> None:
    assert fault(line + REQUEST)[0] == "proxy-header-syntax"


def test_a_line_may_have_107_bytes() -> None:
    line = b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n"
    assert parse(line) == ProxyHeader(107)
    assert parse(line[:-1]) is None
    assert fault(line[:-1] + b"x")[0] == "proxy-header-syntax"
    assert fault(line[:-2] + b"x\r")[0] == "proxy-header-syntax"


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (v2(0x11, 0x11, TCP4_ADDRESSES), "version and command 0x11 are not known"),
        (v2(0x22, 0x11, TCP4_ADDRESSES), "version and command 0x22 are not known"),
        (v2(0x21, 0x41, TCP4_ADDRESSES), "family and protocol 0x41 are not known"),
        (v2(0x21, 0x13, TCP4_ADDRESSES), "family and protocol 0x13 are not known"),
        (v2(0x21, 0x11, TCP4_ADDRESSES[:-1]), "too short for its addresses"),
        (v2(0x21, 0x21, TCP4_ADDRESSES), "too short for its addresses"),
        (v2(0x21, 0x31, bytes(215)), "too short for its addresses"),
        (v2(0x21, 0x11, TCP4_ADDRESSES + b"\x04"), "the last TLV is cut off"),
        (v2(0x21, 0x11, TCP4_ADDRESSES + b"\x04\x00\x01"), "the last TLV is cut off"),
        (v2(0x21, 0x11, TCP4_ADDRESSES + encode_tlv(SSL, b"\x01\x00\x00\x00")), "an SSL TLV of under five bytes"),
        (v2(0x21, 0x11, TCP4_ADDRESSES + encode_tlv(SSL, bytes(5) + b"\x21\x00\x09x")), "the last TLV is cut off"),
        (v2(0x21, 0x11, TCP4_ADDRESSES + encode_tlv(CRC32C, b"abc")), "a checksum that is not of four bytes"),
        (v2(0x21, 0x11, TCP4_ADDRESSES + encode_tlv(UNIQUE_ID, bytes(129))), "a unique id of over 128 bytes"),
        (v2(0x21, 0x11, TCP4_ADDRESSES + encode_tlv(AUTHORITY, b"a") * 2), "two TLVs of type 0x02"),
        (SIGNATURE + b"\x21\x11\xff\xff", "65551 bytes are more than 4096"),
    ],
)
def test_bad_blocks(data: bytes, detail: str) -> None:
    assert fault(data) == ("proxy-header-syntax", detail)


def test_a_wrong_checksum_is_told_apart() -> None:
    good = with_sum(v2(0x21, 0x11, TCP4_ADDRESSES + encode_tlv(CRC32C, bytes(4))))
    for bit in range(16 * 8, (16 + 12) * 8):  # of the addresses
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        assert fault(bytes(bad))[0] == "proxy-header-checksum"


@pytest.mark.parametrize(
    "data", [REQUEST, b"\x16\x03\x01", b"\r\n\r\nGET", b"PROXX", b"proxy TCP4", SIGNATURE[:-1] + b"X"]
)
def test_what_does_not_begin_with_a_header(data: bytes) -> None:
    assert fault(data) == ("proxy-header-syntax", "the connection does not begin with a PROXY header")


# ---------------------------------------------------------------------- any bytes, any split

NOISE = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=120).map(lambda rest: b"PROXY " + rest),
    st.text("0123456789abcdef.: TCP46\r\n", max_size=110).map(lambda rest: b"PROXY TCP" + rest.encode()),
    st.binary(max_size=300).map(lambda rest: SIGNATURE + rest),
    st.tuples(st.sampled_from([0x20, 0x21]), st.sampled_from([0, 0x11, 0x12, 0x21, 0x31]), st.binary(max_size=300)).map(
        lambda parts: v2(*parts)
    ),
)


def outcome(data: bytes) -> object:
    try:
        return parse(data)
    except BadProxyHeader as error:
        return error.reason, error.detail


@given(NOISE | st.sampled_from([data for data, _, _ in GOOD.values()]), st.binary(max_size=20))
def test_any_split_gives_the_same(header: bytes, rest: bytes) -> None:
    """Each prefix is undecided until one decides, and then all longer ones agree."""
    data = header + rest
    outcomes = [outcome(data[:cut]) for cut in range(len(data) + 1)]
    decided = [found for found in outcomes if found is not None]
    assert len(set(decided)) <= 1
    assert outcomes[len(outcomes) - len(decided) :] == decided
