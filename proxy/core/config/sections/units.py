"""Durations and sizes as people write them: `"250ms"`, `"1h"`, `"16KiB"`; inside, float seconds and int bytes."""

import re
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

DAY = 86400.0
KIB, MIB, GIB = 2**10, 2**20, 2**30
LONGEST = DAY  # a phase of an exchange that takes over a day is a mistake of units, not a wish
LONGEST_IDLE = 30 * DAY  # tunnels and tcp sessions may live for weeks
LARGEST = 1024 * GIB

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY}
_BYTES = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB}
_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_SIZE = re.compile(r"([0-9]{1,15})(B|KiB|MiB|GiB)")
_BARE_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
_WRONG_SIZE = re.compile(r"([0-9]{1,15}) ?([kmg])(i?b)?", re.IGNORECASE)


def parse_duration(value: object, longest: float = LONGEST) -> float:
    """Seconds. Raises ValueError with a sentence that names the fault; the same for parse_size."""
    seconds = _to_seconds(value)
    if not seconds > 0:  # also true of nan
        raise ValueError(f"{show(value)} is too short: a duration must be longer than 0")
    if seconds > longest:
        raise ValueError(f"{show(value)} is too long: at most {format_duration(longest)} is allowed here")
    return float(seconds)


def _to_seconds(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        return float(match[1]) * _SECONDS[match[2]]
    if isinstance(value, str) and _BARE_NUMBER.fullmatch(value):
        raise ValueError(f'{show(value)} has no unit: write "{value}s" for seconds')
    raise ValueError(f'{show(value)} is not a duration: write a number and ms, s, m, h or d, like "250ms" or "30s"')


def parse_size(value: object) -> int:
    """Bytes; powers of 1024 only, because half of the world reads KB as 1000 and the other half as 1024."""
    size = _to_bytes(value)
    if size < 0:
        raise ValueError(f"{show(value)} is too small: a size cannot be negative")
    if size > LARGEST:
        raise ValueError(f"{show(value)} is too large: at most {format_size(LARGEST)} is allowed")
    return size


def _to_bytes(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and (match := _SIZE.fullmatch(value)):
        return int(match[1]) * _BYTES[match[2]]
    if value == "0":  # reads as "no limit" beside "16KiB", so it needs no unit
        return 0
    raise ValueError(f"{show(value)} is not a size: {_size_advice(value)}")


def _size_advice(value: object) -> str:
    if isinstance(value, str) and (match := _WRONG_SIZE.fullmatch(value)):
        return f'sizes count in powers of 1024, write "{match[1]}{match[2].upper()}iB"'
    return 'write a number and B, KiB, MiB or GiB, like "16KiB"'


def check_size_range(value: int, smallest: int, largest: int) -> int:
    if smallest <= value <= largest:
        return value
    raise ValueError(
        f"{format_size(value)} is out of range: from {format_size(smallest)} to {format_size(largest)} is allowed here"
    )


def show(value: object) -> str:
    """The value as TOML has it, so that the reader finds it again in the file; what is long by its kind alone."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, dict)):
        return "an array" if isinstance(value, list) else "a table"
    return f'"{value}"' if isinstance(value, str) else str(value)


def format_duration(seconds: float) -> str:
    unit = next((u for u in ("d", "h", "m", "s") if seconds % _SECONDS[u] == 0), "ms")
    return f"{seconds / _SECONDS[unit]:.10g}{unit}"


def format_size(size: int) -> str:
    unit = next((u for u in ("GiB", "MiB", "KiB") if size and size % _BYTES[u] == 0), "B")
    return f"{size // _BYTES[unit]}{unit}"


def _duration_schema(longest: float) -> WithJsonSchema:
    number = {"type": "number", "exclusiveMinimum": 0, "maximum": longest}
    return WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{_DURATION.pattern}$"}, number]})


_SIZE_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "pattern": f"^(0|{_SIZE.pattern})$"},
            {"type": "integer", "minimum": 0, "maximum": LARGEST},
        ]
    }
)

Duration = Annotated[float, BeforeValidator(parse_duration), _duration_schema(LONGEST)]
IdleDuration = Annotated[
    float, BeforeValidator(partial(parse_duration, longest=LONGEST_IDLE)), _duration_schema(LONGEST_IDLE)
]
Size = Annotated[int, BeforeValidator(parse_size), _SIZE_SCHEMA]
HeadSize = Annotated[Size, AfterValidator(partial(check_size_range, smallest=KIB, largest=MIB))]
