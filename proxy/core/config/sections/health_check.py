"""[pools.NAME.health_check]: probes of every backend of a pool."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding
from proxy.core.config.sections.pool_tls import PoolTls, check_pool_tls
from proxy.core.config.sections.section import Section, like
from proxy.core.config.sections.units import Duration, show
from proxy.core.config.sections.values import HostName, RequestPath, Whole

_STATUS = re.compile(r"[1-5][0-9]{2}")
_METHOD = re.compile(r"[A-Z]{1,20}")
_ONLY_OVER_HTTP = ("host", "method", "expect_status", "expect_body")


def _to_status(value: object) -> str:
    """200 reads as well as "200"."""
    text = str(value) if type(value) is int else value
    if isinstance(text, str):
        first, dash, last = text.partition("-")
        last = last if dash else first
        if _STATUS.fullmatch(first) and _STATUS.fullmatch(last) and first <= last:
            return text
    raise ValueError(f'{show(value)} is not a status or a range of them: write one like 200 or "200-399"')


def _to_method(value: str) -> str:
    if _METHOD.fullmatch(value) and value != "CONNECT":
        return value
    raise ValueError(f'{show(value)} is not a method that a probe can have: write one like "GET" or "HEAD"')


def _to_body(value: str) -> str:
    if value:
        return value
    raise ValueError("nothing is in every body: leave expect_body out, or write some text")


StatusRange = Annotated[str, BeforeValidator(_to_status, json_schema_input_type=str | int)]
Method = Annotated[str, AfterValidator(_to_method)]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck(Section):
    """Probes of every backend of a pool; an empty table means a connect every 2 s. Where the pool speaks TLS to its
    backends, or `tls` is here, its handshake is part of the probe."""

    path: Annotated[RequestPath | None, like("/healthz")] = None
    """The path to ask for over HTTP. Default: none, a connect is enough."""
    method: Annotated[Method, like("HEAD")] = "GET"
    """The method of the request. Default "GET"."""
    host: Annotated[HostName | None, like("app.example.com")] = None
    """The Host of the request. Default: none, "localhost"."""
    expect_status: Annotated[tuple[StatusRange, ...], like([200, "300-399"])] = ("200-399",)
    """The status of a good answer: statuses and ranges of them. Default ["200-399"]."""
    expect_body: Annotated[Annotated[str, AfterValidator(_to_body)] | None, like("ready")] = None
    """Text that is in the first 64 KiB of the body of a good answer, in UTF-8. Default: none, any body will do."""
    tls: Annotated[PoolTls | None, like({"verify": False})] = None
    """Speak TLS in probes of a pool that has no `tls` itself, because in mode "tcp" its clients bring their own; with
    the same keys. Default: none."""
    interval: Annotated[Duration, like("2s")] = 2.0
    """From the end of a probe of one backend to its next one, 10 % more or less, so that they do not come all at once.
    Default 2s, at most 1d."""
    fast_interval: Annotated[Duration | None, like("500ms")] = None
    """The same while a backend is out of service, or its last probe spoke against the state it is in. Default: none, a
    quarter of the interval; at most 1d."""
    timeout: Annotated[Duration, like("1s")] = 1.0
    """A probe that takes longer has failed. Default 1s, at most 1d."""
    rise: Annotated[Whole, like(2, ge=1, le=100)] = 2
    """Probes in a row that must succeed until an unhealthy backend is used again. Default 2, from 1 to 100."""
    fall: Annotated[Whole, like(3, ge=1, le=100)] = 3
    """Probes in a row that must fail until a healthy backend is left out. Default 3, from 1 to 100."""

    def is_expected(self, status: int) -> bool:
        """Whether an answer with this status is a good one."""
        ranges = (text.partition("-") for text in self.expect_status)
        return any(int(first) <= status <= int(last or first) for first, _, last in ranges)


def check_health_check(
    check: HealthCheck, pool_tls: PoolTls | None, addresses: list[object], path: Path
) -> Iterator[Finding]:
    """pool_tls: of its pool. addresses: of the pool's backends. path: of the table."""
    if check.path is None:
        yield from _check_without_path(check, path)
    if not check.expect_status:
        message = '"expect_status" is empty, so that no answer would be a good one'
        yield Finding(path=(*path, "expect_status"), message=message, example='expect_status = ["200-399"]')
    if check.method == "HEAD" and check.expect_body is not None:
        message = "an answer to HEAD has no body, so that nothing can be expected in it"
        yield Finding(path=(*path, "expect_body"), message=message, example='method = "GET"')
    if check.fast_interval is not None and check.fast_interval > check.interval:
        message = '"fast_interval" is longer than "interval": a backend in trouble would be probed less'
        yield Finding(path=(*path, "fast_interval"), message=message, example='fast_interval = "500ms"')
    if check.tls is not None:
        yield from check_pool_tls(check.tls, addresses, (*path, "tls"))
        if pool_tls is not None:
            message = "the pool speaks TLS itself, and its probes do as it does"
            yield Finding(path=(*path, "tls"), message=message, hint="remove it here", at_key=True)


def _check_without_path(check: HealthCheck, path: Path) -> Iterator[Finding]:
    for key in _ONLY_OVER_HTTP:
        if getattr(check, key) != getattr(HealthCheck(), key):
            yield Finding(
                path=(*path, key),
                message=f'"{key}" is about an answer over HTTP, and without "path" a connect is all that is asked for',
                example='path = "/healthz"',
            )
