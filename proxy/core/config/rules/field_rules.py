"""The header fields that a policy sets and removes: names and values that HTTP allows, and none that frame messages."""

import re
from collections.abc import Iterator

from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding
from proxy.core.config.sections.model import Frontend, Route
from proxy.core.config.sections.units import show
from proxy.core.config.suggest import did_you_mean
from proxy.core.http.headers import FORWARDING, HOP_BY_HOP
from proxy.core.policy.fields import PLACEHOLDER, PLACEHOLDERS, comparable

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_VALUE = re.compile(r"[!-~]([\t -~]*[!-~])?")  # no blanks at its ends, no control bytes (RFC 9110 section 5.5)
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]|\{host\})(:[0-9]{1,5})?")
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect"}) | HOP_BY_HOP


def check_fields(place: Frontend | Route, path: Path) -> Iterator[Finding]:
    for kind, wanted, unwanted in (
        ("request", place.set_request_headers, place.remove_request_headers),
        ("response", place.set_response_headers, place.remove_response_headers),
    ):
        seen: dict[bytes, str] = {}
        places = [
            *(((*path, f"set_{kind}_headers", name), name) for name in wanted),
            *(((*path, f"remove_{kind}_headers", index), name) for index, name in enumerate(unwanted)),
        ]
        for where, name in places:
            is_set = isinstance(where[-1], str)
            if fault := _fault_of_name(name, seen, kind):
                yield _finding(where, *fault, at_key=is_set)
            elif is_set and (fault := _fault_of_value(name, wanted[name], kind)):
                yield _finding(where, *fault)
            elif not is_set and kind == "request" and name.lower() == "host":
                yield _finding(where, "Host cannot be removed: no request is without it", "set it to another value")


def _finding(path: Path, message: str, hint: str, *, at_key: bool = False) -> Finding:
    return Finding(path=path, message=message, hint=hint, at_key=at_key)


def _fault_of_name(name: str, seen: dict[bytes, str], kind: str) -> tuple[str, str] | None:
    """A message and a hint. seen: names before it."""
    if not _TOKEN.fullmatch(name):
        return f"{show(name)} is not the name of a field: letters, digits and - make one", ""
    key = comparable(name.encode())
    if key in seen:
        return f"{name} is decided twice, here and as {seen[key]}: case, - and _ make no difference", "keep one of them"
    seen[key] = name
    if key in _FRAMING:
        return f"{name} cannot be set or removed: it says where a message ends, or concerns one connection only", ""
    if kind == "request" and key in FORWARDING:
        return f"{name} cannot be set or removed: rproxy states it itself", "for another name see {client} and {proto}"
    return None


def _fault_of_value(name: str, value: str, kind: str) -> tuple[str, str] | None:
    if not value:
        return f"{name} is set to nothing", f"to remove it put its name into remove_{kind}_headers"
    if not _VALUE.fullmatch(value):
        return "the value of a field is printable ASCII on one line, without blanks around it", ""
    used = PLACEHOLDER.findall(value)
    if kind == "response" and not set(PLACEHOLDERS).isdisjoint(used):
        return "placeholders are filled in for requests only", "write the value itself"
    if kind == "request":
        for word in used:
            if word not in PLACEHOLDERS:
                return f"{{{word}}} is not a placeholder", did_you_mean(word, PLACEHOLDERS)
        if name.lower() == "host" and not _HOST.fullmatch(value):
            return f"{show(value)} is not a host name with an optional port", ""
    return None
