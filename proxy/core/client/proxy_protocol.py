"""The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): a header before all else says who the client is.

Strict, and independent of how the bytes are cut: a header that is not whole is read again from its beginning.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from proxy.core.client.crc32c import crc32c
from proxy.core.client.networks import plain
from proxy.core.errors import BadProxyHeader

if TYPE_CHECKING:
    from collections.abc import Iterator

    Endpoint = tuple[str, int]  # IP address and port
    Tlv = tuple[int, bytes]

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
MAX_LINE = 107  # of version 1, with its CRLF
MAX_HEADER = 4096  # of version 2; its length field could say 64 KiB, senders write some 200 bytes

# Types of TLVs: a type, a length, a value. Those of SSL_ are within the value of SSL.
ALPN, AUTHORITY, CRC32C, UNIQUE_ID, SSL = 0x01, 0x02, 0x03, 0x05, 0x20
SSL_VERSION, SSL_CN, SSL_CIPHER = 0x21, 0x22, 0x23
CLIENT_SSL, CLIENT_CERT = 0x01, 0x02  # bits of the first byte of SSL

_PREAMBLE = 16  # bytes that tell how many follow
TCP4, TCP6, UNIX_STREAM = 0x11, 0x21, 0x31
_ADDRESS_SIZES = {TCP4: 12, TCP6: 36, UNIX_STREAM: 216}
_PASSED_ON = frozenset({ALPN, AUTHORITY, UNIQUE_ID, SSL})
_PORT = rb"(0|[1-9][0-9]{0,4})"
_LINE = re.compile(rb"PROXY TCP([46]) ([0-9A-Fa-f:.]{2,45}) ([0-9A-Fa-f:.]{2,45}) %b %b" % (_PORT, _PORT))
_UNKNOWN_LINE = re.compile(rb"PROXY UNKNOWN(?: [^\r\n]*)?")


class ProxyHeader(NamedTuple):
    """size: how many bytes it takes. source, destination: None if the sender does not say, or names what is no TCP
    connection, or speaks for itself (LOCAL). tlvs: those that concern the client and are known."""

    size: int
    source: Endpoint | None = None
    destination: Endpoint | None = None
    tlvs: tuple[Tlv, ...] = ()

    @property
    def is_tls(self) -> bool:
        """The client's connection to the sender was encrypted."""
        return any(kind == SSL and value[0] & CLIENT_SSL for kind, value in self.tlvs)


def parse(data: bytes) -> ProxyHeader | None:
    """data: what the connection begins with; None while that is not a whole header yet. Raises BadProxyHeader as soon
    as it cannot become one."""
    if SIGNATURE.startswith(data[: len(SIGNATURE)]):
        return _parse_v2(data)
    if b"PROXY ".startswith(data[:6]):
        return _parse_v1(data)
    raise _syntax("the connection does not begin with a PROXY header")


def _syntax(detail: str) -> BadProxyHeader:
    return BadProxyHeader("proxy-header-syntax", detail)


# ---------------------------------------------------------------------- version 1


def _parse_v1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, MAX_LINE)
    if end < 0:
        if len(data) >= MAX_LINE:
            raise _syntax(f"no end of line within {MAX_LINE} bytes")
        return None
    line = data[:end]
    if _UNKNOWN_LINE.fullmatch(line):
        return ProxyHeader(end + 2)
    match = _LINE.fullmatch(line)
    if match is None:
        raise _syntax("not a line of version 1")
    family, source, destination, source_port, destination_port = match.groups()
    return ProxyHeader(
        end + 2,
        source=(_v1_host(family, source), _v1_port(source_port)),
        destination=(_v1_host(family, destination), _v1_port(destination_port)),
    )


def _v1_host(family: bytes, text: bytes) -> str:
    """Zeros in front and over four digits are refused by `ipaddress`. A dotted end in IPv6 is none of the grammar, but
    what inet_ntop(3) writes for mapped addresses, and so senders do."""
    kind = ipaddress.IPv4Address if family == b"4" else ipaddress.IPv6Address
    try:
        return str(plain(kind(text.decode())))
    except ValueError:
        raise _syntax(f"{text.decode()!r} is not an address of IPv{family.decode()}") from None


def _v1_port(text: bytes) -> int:
    port = int(text)
    if port > 65535:
        raise _syntax(f"{port} is not a port")
    return port


# ---------------------------------------------------------------------- version 2


def _parse_v2(data: bytes) -> ProxyHeader | None:
    if len(data) > 12 and data[12] not in (0x20, 0x21):
        raise _syntax(f"version and command {data[12]:#04x} are not known")
    if len(data) > 13 and data[12] == 0x21 and (data[13] >> 4 > 3 or data[13] & 15 > 2):
        raise _syntax(f"family and protocol {data[13]:#04x} are not known")
    if len(data) < _PREAMBLE:
        return None
    size = _PREAMBLE + int.from_bytes(data[14:_PREAMBLE], "big")
    if size > MAX_HEADER:
        raise _syntax(f"{size} bytes are more than {MAX_HEADER}")
    if len(data) < size:
        return None
    return _parse_whole_v2(data[:size])


def _parse_whole_v2(header: bytes) -> ProxyHeader:
    """The block of LOCAL is skipped, as is that of a family that is no stream of ours: what it holds is not said."""
    if header[12] == 0x20:
        return ProxyHeader(len(header))
    family = header[13]
    address_size = _ADDRESS_SIZES.get(family)
    if address_size is None:
        return ProxyHeader(len(header))
    start = _PREAMBLE + address_size
    if len(header) < start:
        raise _syntax("too short for its addresses")
    tlvs = tuple(_check_tlvs(header, start))
    if family == UNIX_STREAM:
        return ProxyHeader(len(header), tlvs=tlvs)
    layout = ">4s4sHH" if family == TCP4 else ">16s16sHH"
    source, destination, source_port, destination_port = struct.unpack_from(layout, header, _PREAMBLE)
    return ProxyHeader(
        len(header),
        source=(str(plain(ipaddress.ip_address(source))), source_port),
        destination=(str(plain(ipaddress.ip_address(destination))), destination_port),
        tlvs=tlvs,
    )


def _check_tlvs(header: bytes, start: int) -> Iterator[Tlv]:
    """Those that are passed on. A checksum is verified (section 2.2.3)."""
    seen: set[int] = set()
    for at, kind, value in _split_tlvs(header, start):
        if kind == CRC32C:
            _check_sum(header, at, value)
        if kind in _PASSED_ON or kind == CRC32C:
            if kind in seen:
                raise _syntax(f"two TLVs of type {kind:#04x}")
            seen.add(kind)
        if kind == UNIQUE_ID and len(value) > 128:
            raise _syntax("a unique id of over 128 bytes")
        if kind == SSL:
            _check_ssl(value)
        if kind in _PASSED_ON:
            yield kind, value


def _split_tlvs(block: bytes, start: int) -> Iterator[tuple[int, int, bytes]]:
    """Where the value begins, type, value; raises unless they fill the block."""
    while start < len(block):
        if start + 3 > len(block):
            raise _syntax("the last TLV is cut off")
        kind, size = struct.unpack_from(">BH", block, start)
        start += 3
        if start + size > len(block):
            raise _syntax("the last TLV is cut off")
        yield start, kind, block[start : start + size]
        start += size


def _check_sum(header: bytes, at: int, value: bytes) -> None:
    if len(value) != 4:
        raise _syntax("a checksum that is not of four bytes")
    if crc32c(header[:at] + bytes(4) + header[at + 4 :]) != int.from_bytes(value, "big"):
        raise BadProxyHeader("proxy-header-checksum", "the CRC32c does not match")


def _check_ssl(value: bytes) -> None:
    if len(value) < 5:
        raise _syntax("an SSL TLV of under five bytes")
    for _ in _split_tlvs(value, 5):
        pass
