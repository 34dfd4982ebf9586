"""[frontends.NAME.access_log]: a line for every exchange, and for every session in mode "tcp"."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, PlainValidator, WithJsonSchema

from proxy.core.address import AddressError, TcpAddress, UnixAddress, parse_address
from proxy.core.config.sections.section import Section, like
from proxy.core.config.sections.units import KIB, MIB, Size, check_size_range, show
from proxy.core.config.sections.values import Flag

LogFormat = Literal["json", "combined"]
LogOnly = Literal["all", "errors"]
_DEV_LOG = UnixAddress("/dev/log")


@dataclass(frozen=True, slots=True)
class LogFile:
    """path: absolute."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class LogStdout:
    """The standard output of this process."""

    def __str__(self) -> str:
        return "stdout"


@dataclass(frozen=True, slots=True)
class LogSyslog:
    """address: of a datagram socket, and where is_stream of a TCP connection."""

    address: TcpAddress | UnixAddress
    is_stream: bool = False

    def __str__(self) -> str:
        if isinstance(self.address, UnixAddress):
            return f"syslog:{self.address}"
        return f"syslog:{'tcp' if self.is_stream else 'udp'}:{self.address}"


LogTarget = LogFile | LogStdout | LogSyslog
_FORMS = '"stdout", a path like "/var/log/rproxy/web.log", "syslog", or "syslog:udp:127.0.0.1:514"'


def parse_log_target(value: object) -> LogTarget:
    """Raises ValueError with a sentence that names the fault."""
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is no place for a log: write {_FORMS}")
    if value == "stdout":
        return LogStdout()
    if value == "syslog" or value.startswith("syslog:"):
        return _parse_syslog(value)
    if "\0" in value:
        raise ValueError("a path cannot contain a NUL byte")
    if not value.startswith("/"):
        raise ValueError(f"{show(value)} is no place for a log: write {_FORMS}")
    return LogFile(value)


def _parse_syslog(value: str) -> LogSyslog:
    _, _, rest = value.partition(":")
    if not rest:
        return LogSyslog(_DEV_LOG)
    transport, _, address = rest.partition(":")
    if transport == "unix":
        return LogSyslog(_parse(rest))
    if transport not in ("udp", "tcp"):
        raise ValueError(f'{show(value)}: syslog is reached by "syslog:udp:HOST:PORT", tcp or unix in place of udp')
    parsed = _parse(address)
    if not isinstance(parsed, TcpAddress) or not parsed.port:
        raise ValueError(f"{show(value)}: after {transport}: stands a host and a port, like 127.0.0.1:514")
    return LogSyslog(parsed, is_stream=transport == "tcp")


def _parse(address: str) -> TcpAddress | UnixAddress:
    try:
        return parse_address(address)
    except AddressError as error:
        raise ValueError(str(error)) from None


_BUFFER: Any = AfterValidator(partial(check_size_range, smallest=64 * KIB, largest=256 * MIB))
To = Annotated[
    LogTarget,
    PlainValidator(parse_log_target, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "pattern": "^(stdout|/.*|syslog(:.*)?)$"}),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLog(Section):
    """A line for every exchange, and for every session in mode "tcp"; the table may be empty."""

    format: Annotated[LogFormat, like("json")] = "json"
    """One JSON object per line ("json"), or Apache's and nginx's combined format with more behind it ("combined").
    Default json."""
    to: Annotated[To, like("/var/log/rproxy/web.log", json_schema_extra={"default": "stdout"})] = LogStdout()
    """Where the lines go: "stdout", the absolute path of a file, "syslog" (that is /dev/log), "syslog:unix:/path",
    "syslog:udp:host:port" or "syslog:tcp:host:port". Default stdout."""
    only: Annotated[LogOnly, like("errors")] = "all"
    """"errors" leaves out what ended well with a status below 500. Default all."""
    query: Annotated[Flag, like(True)] = False
    """Log the part of a target, and of a Referer, behind the question mark. Default false: people put passwords, tokens
    and addresses there, and logs are read by many and kept for long."""
    buffer: Annotated[Size, _BUFFER, like("4MiB")] = 4 * MIB
    """Lines that wait, as a size, when they cannot be written as fast as they come; more are dropped and counted.
    Default 4MiB, from 64KiB to 256MiB."""
