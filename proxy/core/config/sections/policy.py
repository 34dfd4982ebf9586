"""What a route does besides naming a pool: answers of its own."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from proxy.core.config.sections.section import Section, like
from proxy.core.config.sections.values import Whole

FieldValues = Annotated[dict[str, str], Field(json_schema_extra={"default": {}})]
RedirectStatus = Literal[301, 302, 303, 307, 308]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(Section):
    """Sends clients elsewhere. With nothing else to say, write the place alone: redirect = "https"."""

    to: Annotated[str, like("https://www.example.com{target}")]
    """"https": the same host, path and query by https, on port 443. Or a URL, or a path, where {host} in the place of
    the host is the one that the client asked for, {target} at the end its path and query, and {rest} what of them
    follows the path of the route: "https://{host}:8443{target}", "/new{rest}". Required."""
    status: Annotated[RedirectStatus, like(301)] = 308
    """301, 302, 303, 307 or 308. After 307 and 308 clients repeat the method and the body, after 303 they GET.
    Default 308."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond(Section):
    """An answer of rproxy's own. With nothing else to say, write the status alone: respond = 404."""

    status: Annotated[Whole, like(200, ge=200, le=599)]
    """From 200 to 599, one that HTTP knows. Required."""
    body: Annotated[str, like("User-agent: *\nDisallow: /\n")] = ""
    """Its text, as text/plain unless set_response_headers says otherwise. Default: none."""


def short_redirect(value: object) -> object:
    return {"to": value} if isinstance(value, str) else value


def short_respond(value: object) -> object:
    return {"status": value} if isinstance(value, int) and not isinstance(value, bool) else value
