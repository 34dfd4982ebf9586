"""What routes and frontends do besides naming pools: whether it can be done, and goes together."""

from collections.abc import Iterator
from http import HTTPStatus

from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding
from proxy.core.config.rules.field_rules import check_fields
from proxy.core.config.schema import example_at
from proxy.core.config.sections.model import Frontend, Redirect, Respond, Route
from proxy.core.config.sections.units import show
from proxy.core.policy.redirect import parse_template
from proxy.core.policy.reply import WITHOUT_BODY

_FIELDS = ("set_request_headers", "remove_request_headers", "set_response_headers", "remove_response_headers")
_ONLY_HTTP = ("redirect", "respond", *_FIELDS)
_WAYS = {"http": "name a pool, or answer with redirect or respond", "tcp": "name a pool"}
_FOR_BACKENDS = ("rewrite", "body", "set_request_headers", "remove_request_headers")


def check_policies(frontend: Frontend) -> Iterator[Finding]:
    path = ("frontends", frontend.name)
    routes = [(route, (*path, "routes", index)) for index, route in enumerate(frontend.routes)]
    for route, place in routes:
        if not _destinations(route):
            message = f"this route leads nowhere: {_WAYS[frontend.mode]}"
            yield Finding(path=place, message=message, example=example_at((*place, "pool")))
    if frontend.mode == "tcp":
        yield from _check_tcp(frontend, path)
        return
    yield from _check_place(frontend, path)
    if frontend.tls is not None:
        yield from _check_circle(frontend, path)
    for route, place in routes:
        yield from _check_place(route, place)
        if frontend.tls is not None:
            yield from _check_circle(route, place)
        yield from _check_idle(route, place)


def _destinations(place: Frontend | Route) -> list[str]:
    return [key for key in ("pool", "redirect", "respond") if getattr(place, key) is not None]


def _check_tcp(frontend: Frontend, path: Path) -> Iterator[Finding]:
    for key in _ONLY_HTTP:
        if getattr(frontend, key):
            message = f'{key} needs mode "http": in mode "tcp" nobody reads requests and responses'
            yield Finding(path=(*path, key), message=message, hint='remove it, or set mode = "http"', at_key=True)


def _check_place(place: Frontend | Route, path: Path) -> Iterator[Finding]:
    first, *others = _destinations(place) or [""]
    for other in others:
        message = f"{first} and {other} are here both, and requests can go one way only"
        yield Finding(path=(*path, other), message=message, hint="keep one of them", at_key=True)
    if place.redirect is not None:
        yield from _check_redirect(place.redirect, (*path, "redirect"))
    if place.respond is not None:
        yield from _check_respond(place.respond, (*path, "respond"))
    yield from check_fields(place, path)


def _check_idle(route: Route, path: Path) -> Iterator[Finding]:
    """What looks as if it did something, and cannot."""
    if route.pool is not None:
        return
    for answer in _destinations(route)[:1]:
        for key in _FOR_BACKENDS:
            if getattr(route, key) not in (None, {}, ()):
                message = f"{key} would do nothing here: with {answer} these requests reach no backend"
                yield Finding(path=(*path, key), message=message, hint="remove it", at_key=True)


def _check_redirect(redirect: Redirect, path: Path) -> Iterator[Finding]:
    if parse_template(redirect.to) is None:
        yield Finding(
            path=(*path, "to"),
            message=f'{show(redirect.to)} is no place to redirect to: write "https", a URL of http or https, or a path',
            hint="{host} may stand for its host, and {target} or {rest} at its end for what the client asked for",
            example='redirect = "https://www.example.com{target}"',
        )


def _check_circle(place: Frontend | Route, path: Path) -> Iterator[Finding]:
    """path: of `place`, whose clients came by TLS."""
    if place.redirect is not None and parse_template(place.redirect.to) == parse_template("https"):
        message = "clients came here by https already, and would be sent round for ever"
        hint = "redirect on a frontend without tls, on port 80"
        yield Finding(path=(*path, "redirect", "to"), message=message, hint=hint)


def _check_respond(respond: Respond, path: Path) -> Iterator[Finding]:
    if respond.status not in set(HTTPStatus):
        message = f"{respond.status} is no status that HTTP knows"
        yield Finding(path=(*path, "status"), message=message, example="respond = 404")
    elif respond.body and respond.status in WITHOUT_BODY:
        message = f"an answer of status {respond.status} has no body"
        yield Finding(path=(*path, "body"), message=message, hint="remove it, or choose another status", at_key=True)
