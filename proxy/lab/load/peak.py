"""Peak figures by a generator in C, where one is installed: wrk, or h2load, which also speaks over Unix sockets.

They spend less of the machine on themselves than a loop in Python, so that more is left for the target. Both are closed
loops: good for the most that a target can do, not for how long anybody waits.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from math import ceil

import trio

from proxy.core.address import UnixAddress, parse_address

_RATE = {
    "wrk": re.compile(rb"^Requests/sec:\s*([0-9.]+)", re.M),
    "h2load": re.compile(rb"finished in .*, ([0-9.]+) req/s"),
}
_ERRORS = {
    "wrk": re.compile(rb"Non-2xx or 3xx responses: ([0-9]+)|Socket errors: connect ([0-9]+), read ([0-9]+), "
                      rb"write ([0-9]+), timeout ([0-9]+)"),
    "h2load": re.compile(rb"succeeded, ([0-9]+) failed, [0-9]+ errored, [0-9]+ timeout\nstatus codes: [0-9]+ 2xx, "
                         rb"[0-9]+ 3xx, ([0-9]+) 4xx, ([0-9]+) 5xx"),
}  # fmt: skip


class NoPeak(Exception):
    """It cannot be measured, or what was measured is none: the message says why."""


@dataclass(frozen=True, slots=True)
class Peak:
    """requests_per_second, as `program` tells it; errors: failed requests and statuses from 400, as far as it does."""

    program: str
    requests_per_second: float
    errors: int


def program_for(target: str) -> str:
    """wrk or h2load, whichever is installed and can reach the target. Raises NoPeak with what to install."""
    is_unix = isinstance(parse_address(target), UnixAddress)
    for program in ("h2load",) if is_unix else ("wrk", "h2load"):
        if shutil.which(program):
            return program
    raise NoPeak("apt-get install nghttp2-client" if is_unix else "apt-get install wrk")


def command(program: str, target: str, path: str, connections: int, seconds: float) -> list[str]:
    """Both take whole seconds only, so that it may last up to one more."""
    address, whole = parse_address(target), str(ceil(seconds))
    host = "localhost" if isinstance(address, UnixAddress) else str(address)
    if program == "wrk":
        return ["wrk", "-t1", f"-c{connections}", f"-d{whole}", f"http://{host}{path}"]
    base = ["-B", target] if isinstance(address, UnixAddress) else []
    return ["h2load", "--h1", "-c", str(connections), "-D", whole, *base, f"http://{host}{path}"]


def read(program: str, output: bytes) -> Peak:
    """Raises NoPeak."""
    rate = _RATE[program].search(output)
    if rate is None:
        raise NoPeak(f"{program} told no rate: {output[-200:].decode(errors='replace').strip()}")
    errors = sum(int(number) for match in _ERRORS[program].findall(output) for number in match if number)
    return Peak(program, float(rate[1]), errors)


async def peak(target: str, *, connections: int = 32, seconds: float = 2.0, path: str = "/") -> Peak:
    """Raises NoPeak, AddressError. Cancelling it ends the program."""
    program = program_for(target)
    done = await trio.run_process(
        command(program, target, path, connections, seconds), capture_stdout=True, capture_stderr=True, check=False
    )
    return read(program, done.stdout + done.stderr)
