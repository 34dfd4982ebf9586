"""Rules on who is believed, who may come in, and who rproxy is: `trusted_proxies`, `allow`, `group` and their like."""

from collections.abc import Iterator

from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding
from proxy.core.config.schema import example_at
from proxy.core.config.sections.model import Config, Frontend, Route


def check_access(frontend: Frontend, path: Path) -> Iterator[Finding]:
    """path: of the frontend."""
    if frontend.proxy_protocol and not frontend.trusted_proxies:
        yield Finding(
            path=(*path, "proxy_protocol"),
            message="nobody is trusted to send PROXY headers, so every connection would be refused",
            hint='name the networks of your proxies in "trusted_proxies"',
            example=example_at((*path, "trusted_proxies")),
        )
    if frontend.mode == "tcp":
        yield from _check_tcp(frontend, path)
    yield from _check_networks(frontend, path)
    for index, route in enumerate(frontend.routes):
        yield from _check_networks(route, (*path, "routes", index))


def _check_networks(place: Frontend | Route, path: Path) -> Iterator[Finding]:
    for index, network in enumerate(place.deny):
        if network in place.allow:
            yield Finding(
                path=(*path, "deny", index),
                message=f"{network} stands in both allow and deny",
                hint="keep one of them; an exception is a more specific network",
            )


def check_group(config: Config) -> Iterator[Finding]:
    if config.group is not None and config.user is None:
        yield Finding(
            path=("group",),
            message='"group" goes with "user": root with another group is root',
            hint="name a user, or remove it",
        )


def _check_tcp(frontend: Frontend, path: Path) -> Iterator[Finding]:
    if frontend.trusted_proxies and not frontend.proxy_protocol:
        yield Finding(
            path=(*path, "trusted_proxies"),
            message='in mode "tcp" only a PROXY header can say who the client is',
            hint='set proxy_protocol = true, or mode = "http"',
        )
    if frontend.forwarded != "x-forwarded":
        yield Finding(
            path=(*path, "forwarded"),
            message='"forwarded" needs mode "http": in mode "tcp" nothing is added to what the client sends',
            hint='remove it, or set proxy_protocol = "v2" in the pool',
        )
