"""Bytes of strangers, and points of time, as text for a line: bounded, printable, without avoidable secrets."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.core.access_log.record import LoggedHead

LONGEST = 2048  # bytes of a target, a referer, a user agent that are written; the rest is left out
MAX_KNOWN = 1024  # texts that a format keeps of a kind
_UNSAFE = re.compile(rb"[^ !#-\[\]-~]")  # control bytes, the quote, the backslash, and all over 126, as nginx has it
_UNSAFE_WORD = re.compile(rb"[^!#-\[\]-~]")  # and the blank


def quoted(value: bytes) -> str:
    """As a JSON string in ASCII. Bytes that are not UTF-8 become `\\xff`, so that every value is valid JSON."""
    return encode_basestring_ascii(value.decode("utf-8", "backslashreplace"))


def escaped(value: bytes) -> str:
    """For between double quotes: neither they nor the line can be ended by it."""
    return _UNSAFE.sub(_hex, value).decode() if _UNSAFE.search(value) else value.decode()


def word(value: str) -> str:
    """For `name=value`."""
    return _UNSAFE_WORD.sub(_hex, value.encode("utf-8", "surrogateescape")).decode() or "-"


def _hex(match: re.Match[bytes]) -> bytes:
    return b"\\x%02X" % match[0][0]


def shortened(value: bytes) -> bytes:
    return value if len(value) <= LONGEST else value[:LONGEST] + b"..."


def without_query(value: bytes) -> bytes:
    return value.partition(b"?")[0]


PROTOCOLS: dict[bool | None, bytes] = {True: b"HTTP/1.1", False: b"HTTP/1.0", None: b""}  # by `is_1_1`


class HeadTexts:
    """What of a request head is logged. query: whether the part behind `?` is."""

    def __init__(self, *, query: bool) -> None:
        self._query = query

    def target(self, head: LoggedHead) -> bytes:
        return shortened(head.target if self._query else without_query(head.target))

    def referer(self, head: LoggedHead) -> bytes:
        value = field(head.forward, b"\r\nReferer: ")
        return shortened(value if self._query else without_query(value))

    def user_agent(self, head: LoggedHead) -> bytes:
        return shortened(field(head.forward, b"\r\nUser-Agent: "))


def field(head: bytes, name: bytes) -> bytes:
    """The value of the first such field, in any case, of a head that we wrote; name: as most write it, with what is
    around it. 0.1 us, or 0.6 for another case or none, where a case-blind regular expression takes 4."""
    start = head.find(name)
    if start < 0:
        start = head.lower().find(name.lower())
        if start < 0:
            return b""
    start += len(name)
    return head[start : head.index(b"\r", start)]


def tells_of_client(fields: bytes) -> bool:
    """Whether there may be a Referer or a User-Agent in them."""
    fields = fields.lower()
    return b"referer:" in fields or b"user-agent:" in fields


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # in every locale


class Timestamps:
    """Seconds since 1970 as text, in UTC; the text of a second is kept for those that follow in it."""

    def __init__(self) -> None:
        self._moment = -1.0  # all that came in one batch of events began at one moment
        self._text = ""
        self._second = -1
        self._rfc3339 = ""
        self._apache = ""

    def rfc3339(self, seconds: float) -> str:
        """`2026-11-24T11:08:17.123Z`."""
        if seconds != self._moment:
            self._moment = seconds
            whole, milliseconds = divmod(int(seconds * 1000), 1000)
            if whole != self._second:
                self._make(whole)
            self._text = f"{self._rfc3339}.{milliseconds:03d}Z"
        return self._text

    def apache(self, seconds: float) -> str:
        """`24/Nov/2026:11:08:17 +0000`."""
        if int(seconds) != self._second:
            self._make(int(seconds))
        return self._apache

    def _make(self, second: int) -> None:
        time = datetime.fromtimestamp(second, UTC)
        self._second = second
        self._rfc3339 = time.strftime("%Y-%m-%dT%H:%M:%S")
        self._apache = f"{time.day:02d}/{_MONTHS[time.month - 1]}/{time:%Y:%H:%M:%S} +0000"
