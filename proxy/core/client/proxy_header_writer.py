"""PROXY headers for backends: `proxy_protocol` reads them."""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING

from proxy.core.client.proxy_protocol import (
    ALPN,
    CLIENT_CERT,
    CLIENT_SSL,
    SIGNATURE,
    SSL,
    SSL_CIPHER,
    SSL_CN,
    SSL_VERSION,
    TCP4,
    TCP6,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.core.client.networks import IPAddress
    from proxy.core.client.peer import TlsFacts
    from proxy.core.client.proxy_protocol import Endpoint, Tlv

LOCAL = SIGNATURE + b"\x20\x00\x00\x00"  # version 2: a connection of the sender's own, such as a health check


def encode_v1(source: Endpoint, destination: Endpoint) -> bytes:
    """A source of "" is one without an address, such as the client of a Unix socket. A client that is only known by
    what a proxy on a Unix socket says has an address but no destination."""
    if not source[0]:
        return b"PROXY UNKNOWN\r\n"
    client, server = _same_family(source[0], destination[0])
    family = 4 if client.version == 4 else 6
    return f"PROXY TCP{family} {_text(client)} {_text(server)} {source[1]} {destination[1]}\r\n".encode()


def encode_v2(source: Endpoint, destination: Endpoint, tlvs: Iterable[Tlv] = ()) -> bytes:
    """Without an address it is LOCAL, the one thing that every receiver has to accept: HAProxy 2.6 resets a connection
    whose family is UNSPEC, and sends LOCAL for such clients itself."""
    if not source[0]:
        return LOCAL
    client, server = _same_family(source[0], destination[0])
    family = TCP4 if client.version == 4 else TCP6
    addresses = client.packed + server.packed + struct.pack(">HH", source[1], destination[1])
    block = addresses + b"".join(encode_tlv(kind, value) for kind, value in tlvs)
    return SIGNATURE + struct.pack(">BBH", 0x21, family, len(block)) + block


def encode_tlv(kind: int, value: bytes) -> bytes:
    return struct.pack(">BH", kind, len(value)) + value


def encode_ssl(version: str, cipher: str, common_name: str | None, *, is_verified: bool) -> bytes:
    """The value of SSL. common_name: of the client's certificate; None without one."""
    parts = [(SSL_VERSION, version), (SSL_CIPHER, cipher)]
    bits = CLIENT_SSL
    if common_name is not None:
        bits |= CLIENT_CERT
        parts.append((SSL_CN, common_name))
    head = struct.pack(">BI", bits, 0 if common_name is not None and is_verified else 1)
    return head + b"".join(encode_tlv(kind, text.encode()[:255]) for kind, text in parts)


def with_tls(tlvs: Iterable[Tlv], facts: TlsFacts, alpn: str | None) -> tuple[Tlv, ...]:
    """What was known before our own handshake with the client, and what that brought to light in its place."""
    kept = [(kind, value) for kind, value in tlvs if kind not in (ALPN, SSL)]
    if alpn is not None:
        kept.append((ALPN, alpn.encode()))
    name = facts.certificate.common_name if facts.certificate is not None else None
    kept.append((SSL, encode_ssl(facts.version, facts.cipher, name, is_verified=True)))
    return tuple(kept)


def _same_family(first: str, second: str) -> tuple[IPAddress, IPAddress]:
    """Both as IPv6 if one of them is: an IPv4 address can be mapped. second: "" is the unspecified address."""
    one = _address(first)
    two = _address(second or ("0.0.0.0" if one.version == 4 else "::"))
    if one.version == two.version:
        return one, two
    return _mapped(one), _mapped(two)


def _address(host: str) -> IPAddress:
    return ipaddress.ip_address(host.partition("%")[0])  # without the zone of a link-local address: it is ours alone


def _mapped(address: IPAddress) -> ipaddress.IPv6Address:
    if isinstance(address, ipaddress.IPv6Address):
        return address
    return ipaddress.IPv6Address(bytes(10) + b"\xff\xff" + address.packed)


def _text(address: IPAddress) -> str:
    """Of mapped addresses Python 3.13 writes the end with dots, which the grammar of version 1 has not."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if mapped is None:
        return str(address)
    high, low = divmod(int(mapped), 1 << 16)
    return f"::ffff:{high:x}:{low:x}"
