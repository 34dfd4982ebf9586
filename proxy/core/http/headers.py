"""Header fields as a proxy sees them: which are dropped, and which a trailer may not carry."""

from __future__ import annotations

import re

_ORDINARY = re.compile(rb"[A-Za-z0-9-]+")

# `Keep-Alive`, `TE` and the `Proxy-` fields concern one connection only (RFC 9110 section 7.6.1). Trailers are not
# announced, since ours may differ from the sender's. `HTTP2-Settings` belongs to an upgrade that is never passed on.
HOP_BY_HOP = frozenset({
    b"http2-settings", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te",
    b"trailer",
})  # fmt: skip
# Dropped because whoever connects to us is not trusted to state them: rproxy writes its own. Whatever else begins with
# the prefix (-Port, -Prefix, -Server …) is believed by somebody too.
FORWARDING = frozenset({
    b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"client-cert", b"client-cert-chain",
    b"x-client-cert-subject", b"x-client-cert-fingerprint", b"x-client-cert-verified",
})  # fmt: skip
HEARSAY = frozenset({b"x-real-ip"})  # rproxy writes none, and drops it for the same reason
OF_ALL_FORWARDING = b"x-forwarded-"
FRAMING = frozenset({b"connection", b"content-length", b"expect", b"host", b"transfer-encoding", b"upgrade"})
# A trailer may not carry what frames, routes, controls, authenticates or describes a message (RFC 9110 section 6.5.1):
# who merges trailers into the head would believe it too late, and unseen by those who checked the head.
FORBIDDEN_TRAILERS = HOP_BY_HOP | FORWARDING | HEARSAY | FRAMING | {
    b"age", b"authorization", b"cache-control", b"content-encoding", b"content-language", b"content-location",
    b"content-range", b"content-type", b"cookie", b"date", b"expires", b"if-match", b"if-modified-since",
    b"if-none-match", b"if-range", b"if-unmodified-since", b"location", b"max-forwards", b"pragma", b"range",
    b"retry-after", b"set-cookie", b"vary", b"via", b"www-authenticate",
}  # fmt: skip
# What `Connection` may not name in a request: the next hop would be without what every hop needs, or without what
# another proxy or a client's credentials said (RFC 9110 section 7.6.1: never a field meant for all recipients).
NEVER_FOR_ONE_HOP = FORWARDING | FRAMING - {b"connection", b"upgrade"} | {
    b"accept", b"accept-encoding", b"accept-language", b"authorization", b"cache-control", b"content-encoding",
    b"content-range", b"content-type", b"cookie", b"if-match", b"if-none-match", b"if-modified-since", b"if-range",
    b"if-unmodified-since", b"max-forwards", b"origin", b"pragma", b"range", b"referer", b"user-agent", b"via",
    b"x-real-ip", b"x-request-id",
}  # fmt: skip
NEVER_UPGRADED = (b"h2", b"http/")  # HTTP/2 in the clear would carry requests past every check: h2c, h2c-14, HTTP/2.0


def tokens(value: bytes) -> list[bytes]:
    """The members of a comma-separated field, lower case, empty ones left out (RFC 9110 section 5.6.1)."""
    return [token for part in value.lower().split(b",") if (token := part.strip(b" \t"))]


def allowed_trailers(trailers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Those that may be passed on behind a chunked body. A name with anything but letters, digits and `-` in it may
    be a forbidden one to somebody (`field_names`), and nobody is known to send one."""
    return [(name, value) for name, value in trailers if _ORDINARY.fullmatch(name) and _is_allowed(name.lower())]


def _is_allowed(name: bytes) -> bool:
    return name not in FORBIDDEN_TRAILERS and not name.startswith(OF_ALL_FORWARDING)
