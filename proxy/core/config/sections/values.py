"""The values of single settings: addresses, names, hosts, paths, commands. Each check raises a whole sentence."""

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, PlainValidator, Strict, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from proxy.core.address import TcpAddress, UnixAddress, parse_address
from proxy.core.client.networks import parse_network
from proxy.core.config.sections.units import show
from proxy.core.http.headers import NEVER_UPGRADED

AUTO = 0  # of workers: one for each CPU that this program may run on
MOST_WORKERS = 256  # each has a listening socket for every address; no machine has more CPUs to gain from it

_HOST = re.compile(r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*|\[[0-9a-f:.]+\]")
_PATH = re.compile(r"/[!-~]*")  # printable ASCII without the space: all else is percent-encoded on the wire (RFC 3986)
_UPGRADE = re.compile(r"[a-z0-9!#$%&'*+.^_`|~/-]+")  # token, and "/" before a version (RFC 9110 section 7.8)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}\$?")  # useradd(8)
_MODE = re.compile(r"0?[0-7]{3}")

Mode = Literal["http", "tcp"]
TlsVersion = Literal["1.2", "1.3"]
Forwarded = Literal["x-forwarded", "rfc7239", "both"]
ProxyVersion = Literal["v1", "v2"]
Balance = Literal["round-robin", "least-connections", "random", "two-choices"]
Whole = Annotated[int, Strict()]  # without Strict true becomes 1, and "5" becomes 5
Flag = Annotated[bool, Strict()]  # without Strict "yes" and 1 are taken


class TableName(str):
    """The key of a named table. Its own type tells it from a `name = "x"` that somebody wrote into the table."""

    __slots__ = ()


def name_tables(tables: object) -> object:
    """Gives each table of `frontends` or `pools` its key as `name`; anything malformed is left for the validation."""
    if not isinstance(tables, Mapping):
        return tables
    return {
        key: {"name": TableName(key), **table} if isinstance(table, Mapping) else table for key, table in tables.items()
    }


def _check_own_name(value: object) -> str:
    if not isinstance(value, TableName):
        raise ValueError("the name comes from the table's header: remove this line")
    return str(value)


def _to_address(value: object) -> TcpAddress | UnixAddress:
    if not isinstance(value, str):
        raise ValueError(f'{show(value)} is not an address: write text like "127.0.0.1:8080" or "unix:/run/app.sock"')
    return parse_address(value)


def _check_user(name: str) -> str:
    if not _USER.fullmatch(name):
        raise ValueError(f'{show(name)} is not the name of a user or group: write one like "nobody"')
    return name


def _to_network(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f'{show(value)} is not a network: write text like "10.0.0.0/8"')
    return parse_network(value)


def _to_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def short_backend(value: object) -> object:
    """`"127.0.0.1:9001"` is short for `{ address = "127.0.0.1:9001" }`."""
    return {"address": value} if isinstance(value, str) else value


def _split_command(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return shlex.split(value)
    except ValueError:
        raise ValueError("this command cannot be split into words: a quote in it is not closed") from None


def _check_host(host: str) -> str:
    host = host.lower()
    if host == "*":
        raise ValueError('"*" is not needed: leave host out to match every host')
    if _HOST.fullmatch(host):
        return host
    name, _, port = host.rpartition(":")
    if _HOST.fullmatch(name) and port.isdigit():
        raise ValueError(f"{show(host)}: write the host only, without a port")
    raise ValueError(f'{show(host)} is not a host name: write one like "api.example.com" or "*.example.com"')


def _check_name(name: str) -> str:
    host = _check_host(name)
    if host.startswith(("*", "[")) or ":" in host:
        raise ValueError(f'{show(name)} is not one name: write one like "app.example.com"')
    return host


def _check_file_name(name: str) -> str:
    if not name or "\0" in name:
        raise ValueError(f'{show(name)} is not the name of a file: write one like "/etc/rproxy/ca.pem"')
    return name


def _check_path(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f'{show(path)} does not begin with "/": write "/{path}"')
    if not _PATH.fullmatch(path):
        raise ValueError(f"{show(path)}: a path has no spaces and only ASCII; write others percent-encoded, like %20")
    return path


def _check_prefix(path: str) -> str:
    if "?" in path or "#" in path:
        raise ValueError(f'{show(path)}: routes look at the path only, leave out what follows "?" or "#"')
    return _check_path(path)


def _check_upgrade(protocol: str) -> str:
    protocol = protocol.lower()
    if not _UPGRADE.fullmatch(protocol):
        raise ValueError(f'{show(protocol)} is not the name of a protocol: write one like "websocket"')
    if protocol.encode().startswith(NEVER_UPGRADED):
        message = "HTTP/2 behind an upgrade would carry requests past routes, limits and every check of their form"
        raise ValueError(f"{show(protocol)} is never passed on: {message}")
    return protocol


def _to_unix_mode(value: object) -> int:
    # TOML's own 0o660 arrives here as 432, as does a mistaken decimal 432: only text is beyond doubt.
    if not (isinstance(value, str) and _MODE.fullmatch(value)):
        raise ValueError(f'{show(value)} is not a file mode: write octal digits in quotes, like "0660"')
    return int(value, 8)


def _to_workers(value: object) -> int:
    if value == "auto":
        return AUTO
    if type(value) is int and 1 <= value <= MOST_WORKERS:
        return value
    raise ValueError(f'{show(value)} is not a number of workers: write 1 to {MOST_WORKERS}, or "auto" for one per CPU')


_STRINGS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
_STRING_OR_STRINGS = WithJsonSchema({"anyOf": [{"type": "string"}, _STRINGS]})

Address = Annotated[TcpAddress | UnixAddress, PlainValidator(_to_address, json_schema_input_type=str)]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(_to_list), _STRING_OR_STRINGS]
Network = Annotated[str, PlainValidator(_to_network, json_schema_input_type=str)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_to_list), _STRING_OR_STRINGS]
Command = Annotated[tuple[str, ...], BeforeValidator(_split_command), _STRING_OR_STRINGS]
OwnName = Annotated[SkipJsonSchema[str], PlainValidator(_check_own_name)]  # not a setting, so not in the JSON Schema
HostPattern = Annotated[str, AfterValidator(_check_host)]
HostName = Annotated[str, AfterValidator(_check_name)]
HostNames = Annotated[tuple[HostName, ...], BeforeValidator(_to_list), _STRING_OR_STRINGS]
FileName = Annotated[str, AfterValidator(_check_file_name)]
PathPrefix = Annotated[str, AfterValidator(_check_prefix)]
RequestPath = Annotated[str, AfterValidator(_check_path)]
UserName = Annotated[str, AfterValidator(_check_user)]
Upgrade = Annotated[str, AfterValidator(_check_upgrade)]
UnixMode = Annotated[
    int, PlainValidator(_to_unix_mode), WithJsonSchema({"type": "string", "pattern": f"^{_MODE.pattern}$"})
]
Workers = Annotated[
    int,
    PlainValidator(_to_workers),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_WORKERS}, {"enum": ["auto"]}]}),
]
