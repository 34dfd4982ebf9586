"""Header fields as a proxy sees them: which are dropped, and which a trailer may not carry."""

from __future__ import annotations

# `Keep-Alive`, `TE` and the `Proxy-` fields concern one connection only (RFC 9110 section 7.6.1). Trailers are not
# announced, since ours may differ from the sender's.
HOP_BY_HOP = frozenset({
    b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
})  # fmt: skip
# Dropped because whoever connects to us is not trusted to state them: rproxy writes its own.
FORWARDING = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"})
# A trailer may not carry what frames, routes or authenticates a message (RFC 9110 section 6.5.1).
FORBIDDEN_TRAILERS = HOP_BY_HOP | FORWARDING | {
    b"authorization", b"cache-control", b"connection", b"content-encoding", b"content-length", b"content-range",
    b"content-type", b"cookie", b"expect", b"host", b"max-forwards", b"set-cookie", b"transfer-encoding", b"upgrade",
    b"www-authenticate",
}  # fmt: skip


def tokens(value: bytes) -> list[bytes]:
    """The members of a comma-separated field, lower case, empty ones left out (RFC 9110 section 5.6.1)."""
    return [token for part in value.lower().split(b",") if (token := part.strip(b" \t"))]


def allowed_trailers(trailers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Those that may be passed on behind a chunked body."""
    return [(name, value) for name, value in trailers if name.lower() not in FORBIDDEN_TRAILERS]
