"""What a hostile case is, and how its bytes are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

END = b"\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
ENDED = b"0\r\n\r\n"  # an empty chunked body


@dataclass(frozen=True)
class Refused:
    """statuses: any of them; none given means any of 4xx and 5xx. after: requests that were forwarded before it."""

    statuses: tuple[int, ...] = ()
    after: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Forwarded:
    """targets: what the backend sees, in order, and nothing else but the canary."""

    targets: tuple[bytes, ...]


@dataclass(frozen=True)
class Waiting:
    """The proxy waits for the rest of it: the canary is swallowed as the body that it is."""


Outcome = Refused | Forwarded | Waiting | None
Draft = tuple[str, bytes, Outcome]  # name, bytes, outcome


@dataclass(frozen=True)
class Case:
    family: str
    name: str
    data: bytes
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.family}: {self.name}"


FAMILIES: dict[str, Callable[[], Iterator[Draft]]] = {}
BAD = Refused((400,))
REFUSED = Refused((400, 501))  # 501 is for codings that are well-formed
ONE = Forwarded((b"/",))


def family(make: Callable[[], Iterator[Draft]]) -> Callable[[], Iterator[Draft]]:
    FAMILIES[make.__name__] = make
    return make


def request(*lines: bytes, start: bytes = b"GET / HTTP/1.1", host: bytes = b"Host: a\r\n", body: bytes = b"") -> bytes:
    """lines: fields without their CRLF."""
    return start + END + host + b"".join(line + END for line in lines) + END + body


def post(*lines: bytes, body: bytes = b"") -> bytes:
    return request(*lines, start=b"POST / HTTP/1.1", body=body)


def chunks(body: bytes, *lines: bytes) -> bytes:
    """A chunked request whose body is given as it is."""
    return post(CHUNKED, *lines, body=body)


def show(data: bytes) -> str:
    return repr(data)[2:-1][:60]
