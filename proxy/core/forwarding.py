"""What trusted proxies in front say of the client, and what backends are told: X-Forwarded-… and Forwarded (RFC 7239).

Of whom nothing is believed, these fields are dropped before they get here (core/headers.py).
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from proxy.core.headers import HEARSAY, OF_ALL_FORWARDING
from proxy.core.http1 import HOST_SYNTAX, find_request_reader
from proxy.core.networks import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core.field_lines import Reader
    from proxy.core.field_names import Underscores
    from proxy.core.http1 import FindReader, RequestHead
    from proxy.core.networks import Networks
    from proxy.core.peer import Peer

Style = Literal["x-forwarded", "rfc7239", "both"]

_NODE = re.compile(
    rb"(?:([0-9]{1,3}(?:\.[0-9]{1,3}){3})|\[([0-9A-Fa-f:.]{2,45})\])(?::[0-9]{1,5})?|([0-9A-Fa-f:.]{2,45})"
)
_NOBODY = re.compile(rb"unknown|_[A-Za-z0-9._-]+")  # RFC 7239 sections 6.2 and 6.3
_TOKEN = rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*+"'
# A pair, or none, and what ends it (RFC 7239 section 4; blanks around are borne with). Possessive, so that a value made
# for it cannot cost more than one look at each byte.
_PAIR = re.compile(rb"[ \t]*+(?:(%b)=(?:(%b)|(%b)))?+[ \t]*+([;,]|\Z)" % (_TOKEN, _TOKEN, _QUOTED))


class Hop(NamedTuple):
    """One proxy's word: text is passed on as it came; host is whom it names, "" if nobody."""

    text: bytes
    host: str


class Claims:
    """What the fields of one request say. hops and elements: of X-Forwarded-For and of Forwarded, the nearest last.
    proto, host: None when nothing is said, or nothing that could be believed."""

    __slots__ = ("elements", "hops", "host", "proto")

    def __init__(self) -> None:
        self.hops: list[Hop] = []
        self.elements: list[Hop] = []
        self.host: bytes | None = None
        self.proto: bytes | None = None


def find_claims(style: Style) -> FindReader:
    """For the parser of trusted proxies' requests: only what is written is believed, since a proxy that knows one kind
    of these fields passes the other on as any client made it up."""
    known: dict[bytes, Reader] = {}
    if style != "rfc7239":
        known |= {
            b"x-forwarded-for": (_read_list, _apply_list),
            b"x-forwarded-proto": (_read_proto, _apply_proto),
            b"x-forwarded-host": (_read_host, _apply_host),
        }
    if style != "x-forwarded":
        known[b"forwarded"] = (_read_elements, _apply_elements)

    def find(name: bytes, underscores: Underscores) -> Reader | None:
        if name in known:
            return known[name]
        if style != "rfc7239" and (name in HEARSAY or name.startswith(OF_ALL_FORWARDING)):
            return None  # passed on
        return find_request_reader(name, underscores)

    return find


def client_of(peer_host: str, claims: Claims | None, trusted: Networks, style: Style) -> str:
    """The nearest address that is not trusted; the farthest one there is if all are. From there on anybody could have
    written what stands before it."""
    hops: Sequence[Hop] = () if claims is None else claims.elements if style == "rfc7239" else claims.hops
    client = peer_host
    for hop in reversed(hops):
        if client not in trusted or not hop.host:
            break
        client = hop.host
    return client


class Teller:
    """Tells backends of the client of one connection. by and proto: of this connection, for want of better claims;
    a certificate is always its own."""

    __slots__ = ("_certificate", "_node", "_own", "_peer_host", "_scheme", "_style")

    def __init__(self, style: Style, peer: Peer) -> None:
        self._style = style
        self._peer_host = peer.host.partition("%")[0].encode()
        self._scheme = peer.scheme.encode()
        self._certificate = peer.tls.fields if peer.tls else b""
        parts = [b"for=" + _node(peer.host)]
        if peer.local_host:
            parts.append(b"by=" + _node(peer.local_host, peer.local_port))
        self._own = b";".join([*parts, b"proto=" + self._scheme])

    def fields(self, claims: Claims | None, host: bytes) -> bytes:
        """Whole lines. host: that of the request."""
        claims = claims or _NOTHING
        lines = b""
        if self._style != "rfc7239":
            lines = self._x_forwarded(claims, host)
        if self._style != "x-forwarded":
            own = self._own + (b";host=" + _value(host) if host else b"")
            lines += b"Forwarded: " + b", ".join([*(hop.text for hop in claims.elements), own]) + b"\r\n"
        return lines + self._certificate

    def _x_forwarded(self, claims: Claims, host: bytes) -> bytes:
        chain = [hop.text for hop in claims.hops]
        if self._peer_host:
            chain.append(self._peer_host)
        return b"".join(
            (
                b"X-Forwarded-For: %b\r\n" % b", ".join(chain) if chain else b"",
                b"X-Forwarded-Proto: %b\r\n" % (claims.proto or self._scheme),
                b"X-Forwarded-Host: %b\r\n" % (claims.host or host or b"localhost"),
            )
        )


_NOTHING = Claims()


def _node(host: str, port: int = 0) -> bytes:
    """RFC 7239 section 6: what holds a colon is quoted, and IPv6 stands in brackets."""
    if not host:
        return b"unknown"
    address = host.partition("%")[0]
    text = f"[{address}]" if ":" in address else address
    return _value(f"{text}:{port}".encode() if port else text.encode())


def _value(text: bytes) -> bytes:
    """A token, or a quoted string; the Host field's grammar has nothing that would need a backslash."""
    return text if re.fullmatch(_TOKEN, text) else b'"' + text + b'"'


# ---------------------------------------------------------------------- reading: prepared once per line, then applied


def _address_of(node: bytes) -> str:
    """Its address, with or without port and brackets; "" if there is none in it."""
    match = _NODE.fullmatch(node)
    if match is None:
        return ""
    try:
        return str(plain(ipaddress.ip_address((match[1] or match[2] or match[3]).decode())))
    except ValueError:
        return ""


def _read_list(value: bytes) -> tuple[bool, list[Hop]]:
    """From the last one backwards: what stands before a malformed one is nobody's word. First whether all are good."""
    found: list[Hop] = []
    for part in filter(None, (text.strip(b" \t") for text in reversed(value.split(b",")))):
        host = _address_of(part)
        if not host and not _NOBODY.fullmatch(part):
            return False, found[::-1]
        found.append(Hop(part, host))
    return True, found[::-1]


def _claims(head: RequestHead) -> Claims:
    if head.claims is None:
        head.claims = Claims()
    return head.claims


def _apply_list(head: RequestHead, read: tuple[bool, list[Hop]]) -> None:
    is_whole, hops = read
    claims = _claims(head)
    claims.hops = claims.hops + hops if is_whole else hops


def _read_proto(value: bytes) -> bytes:
    value = value.lower()
    return value if value in (b"http", b"https") else b""


def _apply_proto(head: RequestHead, proto: bytes) -> None:
    claims = _claims(head)
    claims.proto = proto if claims.proto is None else b""  # two of them: one may be a client's


def _read_host(value: bytes) -> bytes:
    return value if HOST_SYNTAX.fullmatch(value) else b""


def _apply_host(head: RequestHead, host: bytes) -> None:
    claims = _claims(head)
    claims.host = host if claims.host is None else b""


def _read_elements(value: bytes) -> tuple[bool, list[Hop]]:
    """A value that is not well-formed says nothing: within quotes nobody knows where its elements end."""
    elements: list[Hop] = []
    start, at, node = 0, 0, None
    while match := _PAIR.match(value, at):
        name, token, quoted, end = match.groups()
        if name is not None and name.lower() == b"for":
            if node is not None:
                break  # no parameter may occur twice
            node = token or re.sub(rb"\\(.)", rb"\1", quoted[1:-1])
        at = match.end()
        if end == b";":
            continue
        if text := value[start : match.start(4)].strip(b" \t;"):
            elements.append(Hop(text, _address_of(node or b"")))
        if not end:
            return True, elements
        start, node = at, None
    return False, []


def _apply_elements(head: RequestHead, read: tuple[bool, list[Hop]]) -> None:
    is_whole, elements = read
    claims = _claims(head)
    claims.elements = claims.elements + elements if is_whole else elements
