"""What the query of a request asks of our servers: `?delay=0.1&cpu=0.01&size=1000`.

Without urllib, whose import would be a tenth of the life of a process per connection.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Options(NamedTuple):
    """How to answer.

    delay: seconds until then, in which others are served; block: in which nobody is, as in a call that waits for a
    database; cpu: in which the process computes. size: of a body of x instead of the JSON, in bytes.
    """

    delay: float = 0.0
    block: float = 0.0
    cpu: float = 0.0
    size: int | None = None
    seed: int = 0
    status: int = 200
    chunked: bool = False
    close: bool = False


_READERS: dict[str, Callable[[str], Any]] = {
    "delay": float,
    "block": float,
    "cpu": float,
    "size": int,
    "seed": int,
    "status": int,
    "chunked": lambda text: text != "0",
    "close": lambda text: text != "0",
}


def options_of(query: bytes, defaults: Options) -> Options:
    """ValueError when a number is none. Names that we do not know are part of the echo, not an error."""
    if not query:
        return defaults
    pairs = [pair.split("=", 1) for pair in query.decode("latin-1").split("&") if "=" in pair]
    options = defaults._replace(**{name: _READERS[name](text) for name, text in pairs if name in _READERS})
    if not 200 <= options.status <= 999 or (options.size or 0) < 0:
        raise ValueError("status is 200 to 999, size is not negative")
    return options


def work(options: Options) -> None:
    """What keeps the whole process from everything else."""
    if options.block:
        time.sleep(options.block)
    if options.cpu:
        burn(options.cpu)


def burn(seconds: float) -> None:
    """Uses that much CPU time; a busy machine makes it last longer, as real work would."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
