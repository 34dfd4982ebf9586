"""What the requests of trusted proxies say of their clients: X-Forwarded-… and Forwarded (RFC 7239), read with care.

Of whom nothing is believed, these fields are dropped before they get here (core/http/headers.py).
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from proxy.core.client.networks import plain
from proxy.core.http.field_lines import Reader
from proxy.core.http.headers import HEARSAY, OF_ALL_FORWARDING
from proxy.core.http.request_fields import HOST_SYNTAX, find_request_reader

if TYPE_CHECKING:
    from proxy.core.http.field_names import Underscores
    from proxy.core.http.request import RequestHead
    from proxy.core.http.request_fields import FindReader

Style = Literal["x-forwarded", "rfc7239", "both"]
TOKEN = rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+"

_NODE = re.compile(
    rb"(?:([0-9]{1,3}(?:\.[0-9]{1,3}){3})|\[([0-9A-Fa-f:.]{2,45})\])(?::[0-9]{1,5})?|([0-9A-Fa-f:.]{2,45})"
)
_NOBODY = re.compile(rb"unknown|_[A-Za-z0-9._-]+")  # RFC 7239 sections 6.2 and 6.3
_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*+"'
# A pair, or none, and what ends it (RFC 7239 section 4; blanks around are borne with). Possessive, so that a value made
# for it cannot cost more than one look at each byte.
_PAIR = re.compile(rb"[ \t]*+(?:(%b)=(?:(%b)|(%b)))?+[ \t]*+([;,]|\Z)" % (TOKEN, TOKEN, _QUOTED))


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
            b"x-forwarded-for": Reader(_read_list, _apply_list),
            b"x-forwarded-proto": Reader(_read_proto, _apply_proto),
            b"x-forwarded-host": Reader(_read_host, _apply_host),
        }
    if style != "x-forwarded":
        known[b"forwarded"] = Reader(_read_elements, _apply_elements)

    def find(name: bytes, underscores: Underscores) -> Reader | None:
        if name in known:
            return known[name]
        if style != "rfc7239" and (name in HEARSAY or name.startswith(OF_ALL_FORWARDING)):
            return None  # passed on
        return find_request_reader(name, underscores)

    return find


# Values are prepared once per line, then applied to each head that has it.


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
