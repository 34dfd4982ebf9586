"""[[frontends.NAME.routes]]: which requests go where, and what happens to them on the way."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator

from proxy.core.config.sections.policy import FieldValues, Redirect, Respond, short_redirect, short_respond
from proxy.core.config.sections.section import Section, like
from proxy.core.config.sections.units import Size
from proxy.core.config.sections.values import HostPattern, Networks, PathPrefix

ShortRedirect = Annotated[Redirect | None, BeforeValidator(short_redirect, json_schema_input_type=str | Redirect)]
ShortRespond = Annotated[Respond | None, BeforeValidator(short_respond, json_schema_input_type=int | Respond)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Section):
    """A rule of a frontend for requests of this host and path: they go to a pool, or are answered with redirect or
    respond. The first that matches wins.

    In mode "tcp" it is for TLS that passes through unread: connections that ask for this host go to this pool. There a
    route has nothing else."""

    host: Annotated[HostPattern | None, like("api.example.com")] = None
    """The host that the client asks for, without port; in mode "tcp" the server name (SNI) of its first message.
    "*.example.com" takes every host below example.com, but not example.com itself. Default: every host."""
    path: Annotated[PathPrefix | None, like("/v1/")] = None
    """How the path of the request begins. Only for http. Default: every path. A route needs host, path or both."""
    pool: Annotated[str | None, like("api")] = None
    """The pool that serves them. Required, unless there is redirect or respond. Default: none."""
    redirect: Annotated[ShortRedirect, like("https")] = None
    """Answer with a redirect. Default: none."""
    respond: Annotated[ShortRespond, like(404)] = None
    """Answer with this status. Default: none."""
    rewrite: Annotated[PathPrefix | None, like("/")] = None
    """What stands in the place of the route's path in the request for the backend: with path = "/api" and rewrite = "/"
    the request /api/users?id=1 is passed on as /users?id=1. Default: none, the path stays."""
    body: Annotated[Size | None, like("10MiB")] = None
    """Largest request body here, in place of limits.body of the frontend; 0 is no limit. Default: none."""
    allow: Annotated[Networks, like(["192.0.2.0/24"])] = ()
    """Networks whose clients may ask for this; as for the whole frontend, and besides. The path is compared as it is
    sent, so that a backend which decodes it may know other names for the same page. Default: none."""
    deny: Annotated[Networks, like(["203.0.113.0/24"])] = ()
    """Networks whose clients may not, and are answered 403. Default: none."""
    set_request_headers: Annotated[FieldValues, like({"X-Env": "test"})] = field(default_factory=dict)
    """As for the whole frontend, and after it. Default: none."""
    remove_request_headers: Annotated[tuple[str, ...], like(["Cookie"])] = ()
    """As for the whole frontend, and after it. Default: none."""
    set_response_headers: Annotated[FieldValues, like({"Cache-Control": "no-store"})] = field(default_factory=dict)
    """As for the whole frontend, and after it. Default: none."""
    remove_response_headers: Annotated[tuple[str, ...], like(["Server"])] = ()
    """As for the whole frontend, and after it. Default: none."""
