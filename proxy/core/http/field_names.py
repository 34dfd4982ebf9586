"""Names of request fields that a backend may take for others: `X_Forwarded_For` is `X-Forwarded-For` to many of them.

CGI made variables of names, and everything that descends from it (WSGI, Rack, FastCGI, PHP) turns `-` into `_`; PHP
turns `.` into `_` as well. So a client can speak in the name of a field that we replace or that frames the message,
without using that name. nginx drops every name with `_` unless told otherwise; Envoy and HAProxy pass them on, and
Envoy's advice for an edge is to refuse them.
"""

from __future__ import annotations

from typing import Literal

from proxy.core.http.headers import FORWARDING, FRAMING, HEARSAY, HOP_BY_HOP, OF_ALL_FORWARDING

Underscores = Literal["drop", "refuse", "keep"]
Fate = Literal["pass", "drop", "refuse"]

OURS = HOP_BY_HOP | FORWARDING | HEARSAY | FRAMING | {b"via"}  # written, read or replaced by us
_TO_DASHES = bytes.maketrans(b"!#$%&'*+.^_`|~", b"-" * 14)  # what a name may have beside letters, digits and "-"


def fate(name: bytes, underscores: Underscores) -> Fate:
    """What becomes of a request's field that is not one of OURS. name: lower case, a token."""
    if name.startswith(OF_ALL_FORWARDING):
        return "drop"
    plain = name.translate(_TO_DASHES)
    if plain == name:
        return "pass"
    is_odd = b"_" in name and underscores != "keep"
    if underscores == "refuse" and is_odd:
        return "refuse"
    return "drop" if is_odd or plain in OURS or plain.startswith(OF_ALL_FORWARDING) else "pass"
