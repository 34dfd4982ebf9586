"""Addresses as people write them: `127.0.0.1:9001`, `[::1]:80`, `unix:/run/app.sock`, `unix:@abstract`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

UNIX_PATH_MAX = (
    107  # sun_path is 108 bytes with its final NUL (unix(7)); an abstract name spends one on its leading NUL
)
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?")


class AddressError(ValueError):
    """An address that nothing could listen on or connect to; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """host: an IP address, or a name still to be resolved; IPv6 without brackets. port 0 picks a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """path: a file system path, or `@name` for the abstract name space."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"

    @property
    def is_abstract(self) -> bool:
        return self.path.startswith("@")

    @property
    def sockaddr(self) -> str:
        """What `socket.bind` and `socket.connect` take."""
        return "\0" + self.path[1:] if self.is_abstract else self.path


Address = TcpAddress | UnixAddress


def is_local(address: Address) -> bool:
    """Whether only this machine can connect to it: a Unix socket, or loopback."""
    if isinstance(address, UnixAddress) or address.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return False


def parse_address(text: str) -> Address:
    """Raises AddressError with a sentence that names the fault."""
    if text.startswith("unix:"):
        return _parse_unix(text.removeprefix("unix:"))
    if text.startswith(("/", "@", ".")):
        raise AddressError(f"a Unix socket is written unix:{text}")
    host, colon, port = text.rpartition(":")
    if not colon:
        raise AddressError(f"{text!r} has no port: write host:port or unix:/path")
    return TcpAddress(_parse_host(host), _parse_port(port))


def _parse_unix(path: str) -> UnixAddress:
    if not path or path == "@":
        raise AddressError("the path after unix: is empty")
    if not path.startswith(("/", "@")):
        raise AddressError(f"a Unix path must be absolute: unix:/run/{path}")
    if "\0" in path:
        raise AddressError("a Unix path cannot contain a NUL byte")
    if (size := len(path.encode())) > UNIX_PATH_MAX:
        raise AddressError(f"a Unix path may have {UNIX_PATH_MAX} bytes, this one has {size}")
    return UnixAddress(path)


def _parse_host(host: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ipaddress.AddressValueError:
            raise AddressError(f"{host} is not an IPv6 address") from None
    if ":" in host:
        raise AddressError(f"an IPv6 address is written in brackets: [{host}]:port")
    if not host:
        raise AddressError("the host is missing: write 0.0.0.0:port for every IPv4 address, [::]:port for IPv6")
    if re.fullmatch(r"[0-9.]+", host):
        try:
            return str(ipaddress.IPv4Address(host))
        except ipaddress.AddressValueError:
            raise AddressError(f"{host} is not an IPv4 address") from None
    if not _HOST_NAME.fullmatch(host):
        raise AddressError(f"{host!r} is not a host name")
    return host


def _parse_port(port: str) -> int:
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise AddressError(f"port {port!r} is not a number from 0 to 65535")
    return int(port)
