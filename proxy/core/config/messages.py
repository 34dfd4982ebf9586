"""What pydantic found, said for somebody who never read the manual. Nothing of pydantic's own wording gets out."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding, show_path
from proxy.core.config.salvage import NAMED_TABLES, existing
from proxy.core.config.schema import example_at, keys_at
from proxy.core.config.sections.access_log import LogFormat, LogOnly
from proxy.core.config.sections.policy import RedirectStatus
from proxy.core.config.sections.pool import WhenAllDown
from proxy.core.config.sections.retries import RetryOn
from proxy.core.config.sections.tls import ClientCertificates
from proxy.core.config.sections.units import show
from proxy.core.config.sections.values import Balance, Forwarded, Mode, ProxyVersion, TlsVersion
from proxy.core.config.suggest import did_you_mean, nearest
from proxy.core.http.field_names import Underscores

_UNKNOWN = "unexpected_keyword_argument"
_TYPES = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "an array",
    "dict_type": "a table",
    "dataclass_type": "a table",
}
_CHOICES = {
    "mode": get_args(Mode),
    "balance": get_args(Balance),
    "status": get_args(RedirectStatus),
    "forwarded": get_args(Forwarded),
    "proxy_protocol": get_args(ProxyVersion),  # of a pool; that of a frontend is true or false
    "underscores": get_args(Underscores),
    "format": get_args(LogFormat),
    "only": get_args(LogOnly),
    "minimum_version": get_args(TlsVersion),
    "retry_on": get_args(RetryOn),
    "when_all_down": get_args(WhenAllDown),
    "client_certificates": get_args(ClientCertificates),
}


def findings(error: ValidationError, data: dict[str, Any]) -> Iterator[Finding]:
    """data: the parsed TOML that was validated."""
    details = error.errors(include_url=False)
    misspelt = {_meant(detail["loc"]) for detail in details if detail["type"] == _UNKNOWN}
    for detail in details:
        if detail["type"] != "missing" or detail["loc"] not in misspelt:
            yield _WORDINGS.get(detail["type"], _of_another_kind)(detail["loc"], detail, data)


def _meant(path: Path) -> Path | None:
    """The path of the known key that is most like the last of this one."""
    *parents, key = path
    meant = nearest(str(key), keys_at(parents))
    return None if meant is None else (*parents, meant)


def _unknown_key(path: Path, detail: ErrorDetails, _data: object) -> Finding:
    *parents, key = path
    table = detail["input"] if isinstance(detail["input"], dict) else None
    meant, below = _meant(path), _table_below(parents, str(key))
    hint = (
        f"it belongs in [{show_path(below[:-1])}]" if below and not meant else did_you_mean(str(key), keys_at(parents))
    )
    return Finding(
        path=path,
        message=f'unknown {"key" if table is None else "table"} "{key}"',
        hint=hint,
        example=_example_of(meant or below, table),
        at_key=True,
    )


def _table_below(parents: Sequence[str | int], key: str) -> Path | None:
    """Timeouts and limits are often written one table too high."""
    homes = ((*parents, table, key) for table in keys_at(parents) if key in keys_at((*parents, table)))
    return next(homes, None)


def _example_of(path: Path | None, table: dict[str, Any] | None) -> str:
    """In the form that the user chose: a header for a table."""
    if path is None:
        return ""
    if table and path[0] in NAMED_TABLES and len(path) == 1:
        return f"[{show_path((*path, next(iter(table))))}]"
    return f"[{show_path(path)}]" if table is not None and keys_at(path) else example_at(path)


def _missing(path: Path, _detail: ErrorDetails, _data: object) -> Finding:
    return Finding(path=path, message=f'"{path[-1]}" is missing', example=example_at(path))


def _sentence(path: Path, detail: ErrorDetails, data: object) -> Finding:
    """Our own checks raise whole sentences."""
    return Finding(path=path, message=str(detail["ctx"]["error"]), example=_example(path, data))


def _unknown_choice(path: Path, detail: ErrorDetails, data: object) -> Finding:
    key, value = _key(path), detail["input"]
    choices = _CHOICES[key]
    return Finding(
        path=path,
        message=f'{show(value)} is not a value of "{key}": it takes {_either(choices)}',
        hint=f'did you mean "{meant}"?' if isinstance(value, str) and (meant := nearest(value, choices)) else "",
        example=_example(path, data),
    )


def _wrong_type(path: Path, detail: ErrorDetails, data: object) -> Finding:
    message = f"{_subject(path)} must be {_TYPES[detail['type']]}, not {show(detail['input'])}"
    return Finding(path=path, message=message, example=_example(path, data))


def _out_of_range(path: Path, detail: ErrorDetails, data: object) -> Finding:
    context = detail["ctx"]
    limit = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
    return Finding(
        path=path, message=f"{_subject(path)} must be {limit}, not {detail['input']}", example=_example(path, data)
    )


def _none_given(path: Path, _detail: ErrorDetails, _data: object) -> Finding:
    return Finding(path=path, message=f'"{path[-1]}" is empty: there must be at least one', example=example_at(path))


def _of_another_kind(path: Path, _detail: ErrorDetails, data: object) -> Finding:
    return Finding(path=path, message=f"{_subject(path)} has a value that does not fit", example=_example(path, data))


def _subject(path: Path) -> str:
    return f'an item of "{_key(path)}"' if isinstance(path[-1], int) else f'"{path[-1]}"'


def _either(choices: Sequence[str]) -> str:
    *others, last = map(show, choices)
    return f"{', '.join(others)} or {last}"


def _key(path: Path) -> str:
    return str(next(part for part in reversed(path) if isinstance(part, str)))


def _example(path: Path, data: object) -> str:
    """For the line that the user wrote: the short form of a backend has no `address` to show."""
    path = existing(data, path)
    while isinstance(path[-1], int):
        path = path[:-1]
    return example_at(path)


_WORDINGS: dict[str, Callable[[Path, ErrorDetails, dict[str, Any]], Finding]] = {
    _UNKNOWN: _unknown_key,
    "missing": _missing,
    "value_error": _sentence,
    "literal_error": _unknown_choice,
    "greater_than_equal": _out_of_range,
    "less_than_equal": _out_of_range,
    "too_short": _none_given,
    **dict.fromkeys(_TYPES, _wrong_type),
}
