"""What a certificate says of itself: names, subject and dates, read from its DER (RFC 5280, X.690).

It reads what others have checked or will check: our own certificates, and those of clients that OpenSSL has verified.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SEQUENCE, SET, OID, BOOLEAN = 0x30, 0x31, 0x06, 0x01
UTC_TIME = 0x17
VERSION, EXTENSIONS = 0xA0, 0xA3  # [0], [3] of TBSCertificate
DNS_NAME = 0x82  # [2] of GeneralName
_ALTERNATIVE_NAMES = bytes.fromhex("551d11")  # 2.5.29.17
_COMMON_NAME = bytes.fromhex("550403")
_ATTRIBUTES = {  # RFC 4514 section 3, and what else is met in practice
    _COMMON_NAME: "CN", bytes.fromhex("550407"): "L", bytes.fromhex("550408"): "ST", bytes.fromhex("55040a"): "O",
    bytes.fromhex("55040b"): "OU", bytes.fromhex("550406"): "C", bytes.fromhex("550409"): "STREET",
    bytes.fromhex("550405"): "serialNumber", bytes.fromhex("0992268993f22c640119"): "DC",
    bytes.fromhex("0992268993f22c640101"): "UID", bytes.fromhex("2a864886f70d010901"): "emailAddress",
}  # fmt: skip
_ENCODINGS = {0x1E: "utf-16-be", 0x14: "latin-1", 0x1C: "utf-32-be"}  # BMPString, T61String, UniversalString
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SPECIAL = re.compile(r'["+,;<>\\]|\A[ #]| \Z')  # RFC 4514 section 2.4


class BadCertificate(ValueError):
    """These bytes are no certificate, or not one that we can read."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """der: the whole. subject: as text (RFC 4514), most specific part first. names: of hosts, lower case, "*." in front
    where it is a wildcard; from the alternative names, or the common name where there are none."""

    der: bytes
    subject: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime

    @property
    def fingerprint(self) -> str:
        """SHA-256, as hex digits."""
        return hashlib.sha256(self.der).hexdigest()


def first_in_pem(text: str) -> Certificate:
    """Raises BadCertificate."""
    found = _PEM.search(text)
    if found is None:
        raise BadCertificate("there is no certificate in it")
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True)
    except ValueError:
        raise BadCertificate("its certificate is not base64") from None
    return parse(der)


def parse(der: bytes) -> Certificate:
    """Raises BadCertificate."""
    try:
        return _parse(der)
    except (IndexError, ValueError, StopIteration) as error:
        raise BadCertificate(f"its certificate cannot be read: {error}") from None


def _parse(der: bytes) -> Certificate:
    [(_, whole)] = _elements(der)
    _, body = next(_elements(whole))
    fields = [field for field in _elements(body) if field[0] != VERSION]  # serial, algorithm, issuer, validity, subject
    (_, validity), (_, subject) = fields[3:5]
    not_before, not_after = (_time(tag, value) for tag, value in _elements(validity))
    relative = [list(_elements(value)) for _, value in _elements(subject)]
    names = [name for tag, value in fields[6:] if tag == EXTENSIONS for name in _host_names(value)]
    return Certificate(
        der=der,
        subject=",".join("+".join(map(_attribute, reversed(parts))) for parts in reversed(relative)),
        names=tuple(names or _common_names(relative)),
        not_before=not_before,
        not_after=not_after,
    )


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of one after another. Raises IndexError and ValueError."""
    at = 0
    while at < len(data):
        tag, size = data[at], data[at + 1]
        at += 2
        if size & 0x80:
            digits = size & 0x7F
            size = int.from_bytes(data[at : at + digits])
            at += digits
        if size > len(data) - at:
            raise ValueError("a part of it is cut off")
        yield tag, data[at : at + size]
        at += size


def _time(tag: int, value: bytes) -> datetime:
    """RFC 5280 section 4.1.2.5: two digits of a year below 50 are of this century."""
    text = value.decode("ascii")
    if tag == UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _attribute(element: tuple[int, bytes]) -> str:
    (_, kind), (tag, value) = _elements(element[1])
    if kind not in _ATTRIBUTES:
        return f"{_dotted(kind)}=#{value.hex()}"
    return f"{_ATTRIBUTES[kind]}={_escape(_text(tag, value))}"


def _text(tag: int, value: bytes) -> str:
    return value.decode(_ENCODINGS.get(tag, "utf-8"), "replace")


def _escape(text: str) -> str:
    text = _SPECIAL.sub(lambda match: "\\" + match[0], text)
    return "".join(char if char.isprintable() else "".join(f"\\{byte:02x}" for byte in char.encode()) for char in text)


def _dotted(oid: bytes) -> str:
    numbers, value = [oid[0] // 40, oid[0] % 40], 0
    for byte in oid[1:]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    return ".".join(map(str, numbers))


def _host_names(extensions: bytes) -> Iterator[str]:
    [(_, listed)] = _elements(extensions)
    for _, extension in _elements(listed):
        (_, kind), *_, (_, content) = _elements(extension)
        if kind == _ALTERNATIVE_NAMES:
            [(_, names)] = _elements(content)
            yield from (name.decode("ascii", "replace").lower() for tag, name in _elements(names) if tag == DNS_NAME)


def _common_names(relative: list[list[tuple[int, bytes]]]) -> Iterator[str]:
    for parts in relative:
        for _, part in parts:
            (_, kind), (tag, value) = _elements(part)
            if kind == _COMMON_NAME:
                yield _text(tag, value).lower()
