"""Which request is sent next: paths with weights, ready as bytes."""

from __future__ import annotations

from math import log
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from proxy.core.address import UnixAddress, parse_address
from proxy.lab.simulate.service import Constant, Exponential, OneSlow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from proxy.lab.load.spec import LoadSpec
    from proxy.lab.simulate.service import Service

AT_ONCE = 1024  # draws: 0.15 us each where one by one they cost 0.8


class Request(NamedTuple):
    """One path in the two forms in which it is sent: `close` asks for the end of the connection."""

    keep_alive: bytes
    close: bytes


def requests(spec: LoadSpec) -> Iterator[Request]:
    """Draws without end."""
    address = parse_address(spec.target)
    host = "localhost" if isinstance(address, UnixAddress) else str(address)
    made = [_request(path, host) for _, path in spec.paths]
    weights = [weight for weight, _ in spec.paths]
    rng = Random(f"paths {spec.seed}")
    while True:
        yield from made * AT_ONCE if len(made) == 1 else rng.choices(made, weights, k=AT_ONCE)


def _request(path: str, host: str) -> Request:
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: rproxy-lab\r\nAccept: */*\r\n".encode()
    return Request(head + b"\r\n", head + b"Connection: close\r\n\r\n")


# ---------------------------------------------------------------------- service times, for paths of `backends.hello`

Paths = tuple[tuple[float, str], ...]


def constant(seconds: float, kind: str = "cpu") -> Paths:
    """kind: "cpu" burns it, "delay" sleeps it and leaves the process to others, "block" sleeps it and does not."""
    return ((1.0, f"/?{kind}={seconds:.6f}"),)


def exponential(mean: float, kind: str = "cpu", steps: int = 100) -> Paths:
    """`steps` equally likely service times with that mean: the means of the exponential's quantile ranges.

    The longest of 100 is 5.6 times the mean; the variance is 1 % short of the exponential's.
    """
    return tuple((1.0, f"/?{kind}={mean * part:.6f}") for part in _exponential_parts(steps))


def one_slow(fast: float, slow: float, share: float = 0.01, kind: str = "cpu") -> Paths:
    """`share` of the requests takes `slow` seconds."""
    return ((1 - share, f"/?{kind}={fast:.6f}"), (share, f"/?{kind}={slow:.6f}"))


def mix(service: Service, kind: str = "cpu") -> Paths:
    """Raises ValueError for a distribution that is no mix of a few service times."""
    match service:
        case Constant(mean):
            return constant(mean, kind)
        case Exponential(mean):
            return exponential(mean, kind)
        case OneSlow(fast, slow, share):
            return one_slow(fast, slow, share, kind)
        case _:
            raise ValueError("loads are made of constant, exponential and slow service times")


def _exponential_parts(steps: int) -> Iterable[float]:
    """The mean of an exponential of mean 1 within each of `steps` ranges of probability 1/steps: the integral of
    -ln(1 - p), which is (1 - p) * ln(1 - p) + p, over the range."""

    def integral(p: float) -> float:
        return (1 - p) * log(1 - p) + p if p < 1 else 1.0

    return [steps * (integral((step + 1) / steps) - integral(step / steps)) for step in range(steps)]
