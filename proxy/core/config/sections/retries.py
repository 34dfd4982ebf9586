"""pools.NAME.retry_on and [pools.NAME.retry_budget]: what is tried again, and how much of it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator

from proxy.core.config.sections.section import Section, like
from proxy.core.config.sections.values import Whole

RetryOn = Literal[
    "connect-failure", "closed", "reset", "unhealthy", "response-head-timeout", "bad-response",
    "429", "500", "502", "503", "504", "non-idempotent",
]  # fmt: skip
DEFAULT_RETRY_ON: tuple[RetryOn, ...] = ("connect-failure", "closed", "reset", "unhealthy")


def _status_as_text(value: object) -> object:
    """503 reads as well as "503"."""
    return str(value) if type(value) is int else value


RetryOnItem = Annotated[RetryOn, BeforeValidator(_status_as_text, json_schema_input_type=RetryOn | int)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBudget(Section):
    """How many of a pool's running requests may be repeats of requests that were sent before."""

    percent: Annotated[Whole, like(20, ge=0, le=100)] = 20
    """Their share of the requests that run or wait. Default 20, from 0 to 100."""
    at_least: Annotated[Whole, like(100, ge=0, le=1_000_000)] = 100
    """As many are allowed however small that share is, in each worker: one of two backends that dies takes half of what
    runs with it. With both 0 nothing that was sent is sent again, but for idle connections that turned out closed.
    Default 100, at most 1000000."""
