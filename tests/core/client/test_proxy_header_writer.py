"""PROXY headers that are written are read again, and say what is known of a client."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.client.peer import TlsFacts
from proxy.core.client.proxy_header_writer import LOCAL, encode_ssl, encode_tlv, encode_v1, encode_v2, with_tls
from proxy.core.client.proxy_protocol import ALPN, AUTHORITY, SSL, SSL_CN, UNIQUE_ID, parse
from proxy.core.client.x509 import Certificate

CLIENT, SERVER = ("203.0.113.7", 56324), ("192.0.2.1", 443)
HOSTS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
ENDPOINTS = st.tuples(HOSTS, st.integers(0, 65535))


@given(ENDPOINTS, ENDPOINTS)
def test_what_is_written_is_read(source: tuple[str, int], destination: tuple[str, int]) -> None:
    def plain(endpoint: tuple[str, int]) -> tuple[str, int]:
        address = ipaddress.ip_address(endpoint[0])
        mapped = address.ipv4_mapped if address.version == 6 else None
        return str(mapped or address), endpoint[1]

    for data in (encode_v1(source, destination), encode_v2(source, destination)):
        header = parse(data)
        assert header is not None
        assert (header.size, header.source, header.destination) == (len(data), plain(source), plain(destination))
    assert len(encode_v1(source, destination)) <= 104


def test_a_client_without_an_address() -> None:
    assert encode_v1(("", 0), ("", 0)) == b"PROXY UNKNOWN\r\n"
    assert encode_v2(("", 0), ("", 0), [(AUTHORITY, b"a")]) == LOCAL
    assert encode_v1(("192.0.2.1", 1), ("", 0)) == b"PROXY TCP4 192.0.2.1 0.0.0.0 1 0\r\n"
    assert encode_v1(("2001:db8::1", 1), ("", 0)) == b"PROXY TCP6 2001:db8::1 :: 1 0\r\n"


def test_the_zone_of_an_address_is_not_told() -> None:
    assert encode_v1(("fe80::1%eth0", 1), ("fe80::2%eth0", 2)) == b"PROXY TCP6 fe80::1 fe80::2 1 2\r\n"


def test_our_own_handshake_says_more_than_a_header() -> None:
    before = [(ALPN, b"h2"), (UNIQUE_ID, b"42"), (SSL, bytes(5))]
    found = dict(with_tls(before, TlsFacts("TLSv1.3", "TLS_AES_128_GCM_SHA256"), "http/1.1"))
    assert found.keys() == {ALPN, UNIQUE_ID, SSL}
    assert (found[ALPN], found[SSL][:5]) == (b"http/1.1", b"\x01\0\0\0\1")
    assert ALPN not in dict(with_tls(before, TlsFacts("TLSv1.2", "X"), None))


@pytest.mark.parametrize("name", ["alice", "bob, jr.", ""])
def test_the_common_name_of_a_client(name: str) -> None:
    some = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = Certificate(b"", "O=Example", name, (), some, some)
    (_, ssl), *_ = with_tls((), TlsFacts("TLSv1.3", "X", certificate), None)
    assert ssl[:5] == b"\x03\0\0\0\0"
    assert ssl.endswith(encode_tlv(SSL_CN, name.encode()))


def test_what_is_known_of_tls() -> None:
    ssl = encode_ssl("TLSv1.3", "TLS_AES_128_GCM_SHA256", "client.example", is_verified=True)
    tlvs = ((ALPN, b"http/1.1"), (AUTHORITY, b"shop.example"), (UNIQUE_ID, b"x" * 128), (SSL, ssl))
    header = parse(encode_v2(CLIENT, SERVER, [*tlvs, (0xEA, b"a stranger's")]))
    assert header is not None
    assert header.tlvs == tlvs
    assert header.is_tls
    assert ssl[:5] == b"\x03\0\0\0\0"
    assert ssl[5:].startswith(b"\x21\0\x07TLSv1.3")
    assert encode_ssl("TLSv1.3", "X", None, is_verified=False)[:5] == b"\x01\0\0\0\1"
    plain = parse(encode_v2(CLIENT, SERVER, [(SSL, bytes(5))]))
    assert plain is not None
    assert not plain.is_tls
