"""Hostile requests by family: what is known of request smuggling, and everything near it that two parsers might read
in two ways.

Each function in the `_cases` files makes the cases of one family. A case says what must become of it where that is
clear from the RFCs; what is asked of every case, whatever it says, stands in `trial.faults`.
"""

from __future__ import annotations

from tests.hostile import framing_cases, line_cases, session_cases
from tests.hostile.case import BAD, FAMILIES, Case, Forwarded, Refused, Waiting, post, request, show

__all__ = ["FAMILIES", "Case", "Forwarded", "Refused", "Waiting", "cases", "pending"]

FILES = (framing_cases, line_cases, session_cases)  # imported for the families that they register


def cases(name: str) -> list[Case]:
    return [Case(name, *draft) for draft in FAMILIES[name]()]


# ---------------------------------------------------------------------- policies that the proxy is still to get


def pending() -> list[Case]:
    """Each with what is still to be decided or built. A case without an outcome may be refused, or forwarded without
    the field. One that begins to hold is moved to its family."""
    named = "Connection naming an end-to-end field is to be refused"
    underscores = "names that differ by _ from ours are to be refused or dropped"
    replaced = "X-Forwarded-* of untrusted clients is to be replaced"
    of_h2c = "it belongs to h2c, and goes no further"
    borne = "bare CR and LF are borne with before a request"
    length = b"Content-Length: 5"
    return [
        *(
            Case("connection_names", show(line), post(b"Connection: " + line, length, *more, body=b"hello"), BAD, named)
            for line, *more in NAMED_END_TO_END
        ),
        *(Case("underscores", show(line), request(line), None, underscores) for line in UNDERSCORES),
        *(Case("forwarding_more", show(line), request(line), None, replaced) for line in MORE_FORWARDING),
        Case("h2c", "HTTP2-Settings", request(b"HTTP2-Settings: AAMAAABk"), None, of_h2c),
        Case("blank_lines", "bare LF", b"\n" + request(), BAD, borne),
        Case("blank_lines", "bare CR", b"\r" + request(), BAD, borne),
        Case("blank_lines", "CR CR LF LF", b"\r\r\n\n" + request(), BAD, borne),
    ]


NAMED_END_TO_END: list[tuple[bytes, ...]] = [
    (b"Host",), (b"Content-Length",), (b"Transfer-Encoding",), (b"X-Forwarded-For",), (b"X-Forwarded-Proto",),
    (b"x-forwarded-host",),
    (b"close, host",), (b"keep-alive, CONTENT-LENGTH",), (b"Forwarded",), (b"Authorization", b"Authorization: Basic x"),
    (b"Cookie", b"Cookie: a=b"), (b"Content-Type", b"Content-Type: a/b"), (b"Cache-Control",
    b"Cache-Control: no-cache"),
]  # fmt: skip
UNDERSCORES = [
    b"X_Forwarded_For: 1.2.3.4", b"X-Forwarded_For: 1.2.3.4", b"X_Forwarded_Proto: https", b"X_Forwarded_Host: evil",
    b"Content_Length: 5", b"Transfer_Encoding: chunked",
]  # fmt: skip
MORE_FORWARDING = [
    b"X-Forwarded-Port: 443",
    b"X-Forwarded-Prefix: /x",
    b"X-Forwarded-Server: evil",
    b"X-Forwarded-By: evil",
]
