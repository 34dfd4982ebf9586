"""[frontends.NAME]: where clients connect, and the rules for what they send."""

from dataclasses import dataclass, field
from typing import Annotated

from proxy.core.config.sections.access_log import AccessLog
from proxy.core.config.sections.policy import FieldValues
from proxy.core.config.sections.route import Route, ShortRedirect, ShortRespond
from proxy.core.config.sections.section import Section, like
from proxy.core.config.sections.tls import FrontendTls
from proxy.core.config.sections.units import KIB, Duration, HeadSize, IdleDuration, Size
from proxy.core.config.sections.values import (
    Addresses,
    Flag,
    Forwarded,
    Mode,
    Networks,
    OwnName,
    UnixMode,
    Upgrade,
    UserName,
    Whole,
)
from proxy.core.http.field_names import Underscores


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontendTimeouts(Section):
    """How long a client may take, as durations; when one runs out the connection is closed."""

    request_head: Annotated[Duration, like("10s")] = 10.0
    """From the first byte of a request (or from the accept) to the end of its head. Default 10s, at most 1d."""
    request_body: Annotated[Duration, like("30s")] = 30.0
    """Longest pause between two reads of a request's body. Default 30s, at most 1d."""
    keep_alive: Annotated[Duration, like("60s")] = 60.0
    """Longest wait for the next request on an open connection. Default 60s, at most 1d."""
    idle: Annotated[IdleDuration, like("1h")] = 3600.0
    """Longest silence in both directions of a tcp session or a tunnel (WebSocket). Default 1h, at most 30d."""
    tls_handshake: Annotated[Duration, like("10s")] = 10.0
    """From the accept to the end of the TLS handshake; where TLS passes through, to the end of the client's first
    message. Default 10s, at most 1d."""
    send: Annotated[Duration, like("30s")] = 30.0
    """Longest pause during which the client takes none of the bytes waiting for it. Default 30s, at most 1d."""
    proxy_header: Annotated[Duration, like("3s")] = 3.0
    """From the accept to the end of the PROXY header, where there must be one. Default 3s, at most 1d."""
    exchange: Annotated[Duration | None, like("10m")] = None
    """From the end of a request's head to the end of its answer, whoever is slow; tunnels are exempt. Default: none,
    because no total tells a long download from a stalled one, as limits.body_rate and send_rate do; at most 1d."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontendLimits(Section):
    """How much a client may send, and how many clients may come."""

    head: Annotated[HeadSize, like("16KiB")] = 16 * KIB
    """Largest request head: request line and headers, as a size. Default 16KiB, from 1KiB to 1MiB."""
    headers: Annotated[Whole, like(100, ge=1, le=1000)] = 100
    """Most header lines in one request. Default 100, from 1 to 1000."""
    body: Annotated[Size, like("10MiB")] = 0
    """Largest request body, as a size; 0 is no limit. Default 0, at most 1024GiB."""
    body_rate: Annotated[Size, like("1KiB")] = 240
    """Bytes per second that a client must send of a body, on average over each stretch of timeouts.request_body; only
    time spent waiting for the client counts. 0 is no limit. Default 240, at most 1024GiB."""
    send_rate: Annotated[Size, like("1KiB")] = 240
    """Bytes per second that a client must take of an answer, on average over each stretch of timeouts.send; only time
    spent waiting for the client counts. 0 is no limit. Default 240, at most 1024GiB."""
    connections: Annotated[Whole, like(10_000, ge=1, le=1_000_000)] = 10_000
    """Most client connections at a time. Beyond it whoever has waited longest for a request, or for the rest of one, is
    closed for each new one; if nobody does, that waits in the kernel's queue. Each of several workers has its share of
    them. Default 10000, from 1 to 1000000."""
    connections_per_client: Annotated[Whole, like(200, ge=0, le=1_000_000)] = 2500
    """Most connections of one client: an IPv4 address, or the first 64 bits of an IPv6 address; trusted proxies and
    Unix sockets are exempt. More are refused at once. The default leaves room for hundreds of people behind one
    address, and keeps one address from filling limits.connections; 0 is no limit. Each of several workers counts for
    itself. Default 2500, at most 1000000."""
    requests_per_connection: Annotated[Whole, like(1000, ge=0, le=1_000_000_000)] = 10_000
    """Requests on one connection, whose last answer says that it closes; so long-lived clients spread anew over what
    has been added since. 0 is no limit. Default 10000, at most 1000000000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenOptions(Section):
    """How the listening sockets of a frontend are made."""

    backlog: Annotated[Whole, like(4096, ge=1, le=65535)] = 4096
    """Connections that the kernel keeps until they are accepted; Linux caps this at net.core.somaxconn.
    Default 4096, from 1 to 65535."""
    unix_mode: Annotated[UnixMode, like("0660", json_schema_extra={"default": "0666"})] = 0o666
    """Permissions of listening Unix sockets: octal digits in quotes, from 0000 to 0777. Default 0666: everybody on this
    machine may connect."""
    unix_owner: Annotated[UserName | None, like("www-data")] = None
    """The user who owns listening Unix sockets; only root can give them away. Default: none, who starts rproxy."""
    unix_group: Annotated[UserName | None, like("www-data")] = None
    """The group of listening Unix sockets, with unix_mode "0660" those who may connect. Default: none."""
    reuse_port: Annotated[Flag, like(True)] = False
    """Set SO_REUSEPORT, so that other programs can listen on the same TCP address beside rproxy. Default false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontend(Section):
    """Where clients connect, and the rules for what they send. Its name is in the header: [frontends.NAME]."""

    name: OwnName
    listen: Annotated[Addresses, like(["0.0.0.0:8080", "unix:/run/rproxy/web.sock"])] = ()
    """The address or addresses that clients connect to: host:port or unix:/path. Port 0 picks a free port and prints
    it. Required."""
    mode: Annotated[Mode, like("http")] = "http"
    """Forward each request ("http"), or whole connections unread ("tcp"). Default http."""
    pool: Annotated[str | None, like("app")] = None
    """The pool for everything that no route names. Default: none; then routes are required, and the rest is answered
    with 404 (http) or refused (tcp)."""
    routes: Annotated[tuple[Route, ...], like([{"path": "/v1/", "pool": "api"}])] = ()
    """Rules that send some requests to other pools; the first match wins. In mode "tcp" they need host, and every
    connection must begin a TLS handshake. Default: none."""
    redirect: Annotated[ShortRedirect, like("https")] = None
    """In place of pool: answer what no route names with a redirect. Default: none."""
    respond: Annotated[ShortRespond, like(503)] = None
    """In place of pool: answer what no route names with this status. Default: none."""
    set_request_headers: Annotated[FieldValues, like({"X-Real-IP": "{client}"})] = field(default_factory=dict)
    """Fields that backends are told, in place of what clients say under these names: name = "value". {client} is the
    client's address, {host} the host it asks for, {proto} http or https, {request_id} 32 random hexadecimal digits.
    Host may be set. Default: none."""
    remove_request_headers: Annotated[tuple[str, ...], like(["Cookie"])] = ()
    """Names of fields that backends are not told. Default: none."""
    set_response_headers: Annotated[FieldValues, like({"Strict-Transport-Security": "max-age=31536000"})] = field(
        default_factory=dict
    )
    """Fields that clients are told, in place of what backends say under these names; not on error pages of rproxy.
    Default: none."""
    remove_response_headers: Annotated[tuple[str, ...], like(["Server"])] = ()
    """Names of fields that clients are not told. Default: none."""
    timeouts: Annotated[FrontendTimeouts, like({"idle": "1h"})] = field(default_factory=FrontendTimeouts)
    """How long a client may take."""
    limits: Annotated[FrontendLimits, like({"head": "16KiB"})] = field(default_factory=FrontendLimits)
    """How much a client may send, and how many clients may come."""
    upgrades: Annotated[tuple[Upgrade, ...], like(["websocket"])] = ("websocket",)
    """Protocols that a client may switch to with the Upgrade header, in any case; [] forbids all, and h2c cannot be
    allowed. Default ["websocket"]."""
    underscores: Annotated[Underscores, like("drop")] = "drop"
    """Request headers with "_" in their name, which CGI, WSGI and PHP cannot tell from "-": leave them out ("drop"),
    answer 400 ("refuse"), or pass them on ("keep"), but never those that look like headers that rproxy writes or that
    frame the request. Default drop, as nginx does."""
    proxy_protocol: Annotated[Flag, like(True)] = False
    """Every connection begins with a PROXY header (version 1 or 2) that says who the client is; one without it, or from
    somebody who is not in trusted_proxies, is closed. Default false."""
    trusted_proxies: Annotated[Networks, like(["10.0.0.0/8", "2001:db8::/32"])] = ()
    """Networks of proxies in front, whose word on the client is taken: PROXY headers, and X-Forwarded-… and Forwarded,
    which are extended and not replaced. "unix:" stands for all who come by a Unix socket. Default: none."""
    forwarded: Annotated[Forwarded, like("rfc7239")] = "x-forwarded"
    """How backends are told of the client: in X-Forwarded-For, -Proto and -Host, in Forwarded ("rfc7239"), or in both.
    Of trusted proxies the same fields are believed, the others are dropped. Only for http. Default x-forwarded."""
    allow: Annotated[Networks, like(["192.0.2.0/24"])] = ()
    """Networks that may come in; when there are any, others may not. Of all networks in allow and deny that an address
    is in the most specific one decides. "unix:" stands for all who come by a Unix socket. Default: none."""
    deny: Annotated[Networks, like(["203.0.113.0/24"])] = ()
    """Networks that may not come in. A client in http mode is answered 403, others are closed. Default: none."""
    tls: Annotated[FrontendTls | None, like({"certificates": [{"certificate": "site.pem", "key": "site.key"}]})] = None
    """TLS that ends here, for both modes. Default: none, clients speak in the clear."""
    socket: Annotated[ListenOptions, like({"backlog": 4096})] = field(default_factory=ListenOptions)
    """How the listening sockets are made."""

    access_log: Annotated[AccessLog | None, like({"to": "/var/log/rproxy/web.log"})] = None
    """Tells what was asked and how it went. Default: none."""

    @property
    def pool_names(self) -> set[str]:
        """Every pool that its work may go to."""
        names = (self.pool, *(route.pool for route in self.routes))
        return {name for name in names if name is not None}
