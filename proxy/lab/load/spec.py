"""What load to make: as the lab writes it and the generator reads it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from proxy.core.address import parse_address

Mode = Literal["open", "closed"]
Arrivals = Literal["poisson", "constant", "bursts"]
Clients = Literal["keep-alive", "new", "mixed", "long"]


class BadSpec(ValueError):
    """A load that cannot be made; the message names the field."""


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """target: `127.0.0.1:80`, `[::1]:80`, `unix:/path` or `unix:@name`; no host names.
    mode: "open": requests come at `rate` per second whatever becomes of those before; "closed": `connections` users who
    each send the next request when the one before was answered.
    arrivals, rate, ramp_to, burst: open only. The rate grows or shrinks in a line to `ramp_to` at the end. "bursts":
    `burst` requests at the same moment, so many moments a second that it makes `rate`.
    clients: "keep-alive": whichever of `connections` connections is free for longest; "new": a connection per request;
    "mixed": half and half; "long": each connection has its own requests, in turn, and is never given up.
    connections: at most so many at once; requests for which none is free wait, on the clock of the open loop.
    seconds: what is measured; warm_up: seconds before, whose requests count nowhere.
    paths: (weight, path) pairs; each request draws one.
    timeout: seconds from the intended start until a request is given up (noticed up to 0.1 s later).
    seed: of every draw. per_connection: the result tells of each connection.
    """

    target: str
    mode: Mode = "open"
    rate: float = 1000.0
    arrivals: Arrivals = "poisson"
    ramp_to: float | None = None
    burst: int = 1
    connections: int = 32
    clients: Clients = "keep-alive"
    seconds: float = 10.0
    warm_up: float = 1.0
    paths: tuple[tuple[float, str], ...] = ((1.0, "/"),)
    timeout: float = 10.0
    seed: int = 1
    per_connection: bool = False

    def __post_init__(self) -> None:
        """Raises BadSpec, or AddressError about the target."""
        parse_address(self.target)
        for name, choices in (("mode", Mode), ("arrivals", Arrivals), ("clients", Clients)):
            if getattr(self, name) not in get_args(choices):
                raise BadSpec(f"{name}: {getattr(self, name)!r} is none of {', '.join(get_args(choices))}")
        for name in ("rate", "burst", "connections", "seconds", "timeout"):
            if not getattr(self, name) > 0:
                raise BadSpec(f"{name}: {getattr(self, name)!r} is not above 0")
        if self.warm_up < 0 or (self.ramp_to is not None and self.ramp_to < 0):
            raise BadSpec("warm_up and ramp_to cannot be negative")
        if not self.paths or min(weight for weight, _ in self.paths) < 0 or not any(weight for weight, _ in self.paths):
            raise BadSpec("paths: at least one, weights not negative, and not all of them 0")
        for _, path in self.paths:
            if not path.startswith("/") or not path.isascii() or any(byte <= " " for byte in path):
                raise BadSpec(f"paths: {path!r} does not begin with / or holds what has to be escaped")

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> LoadSpec:
        """What is left out has its default. Raises BadSpec or AddressError."""
        try:
            values: dict[str, Any] = json.loads(text)
            paths = values.pop("paths", None)
            spec = cls(**values)
            return spec if paths is None else replace(spec, paths=tuple((float(w), str(path)) for w, path in paths))
        except json.JSONDecodeError as error:
            raise BadSpec(f"no JSON: {error}") from None
        except (TypeError, AttributeError) as error:
            known = ", ".join(field.name for field in fields(cls))
            raise BadSpec(f"{error}; the fields are {known}") from None
