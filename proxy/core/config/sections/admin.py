"""[admin]: where the API, the metrics and the dashboard are served, and who may change something there."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator

from proxy.core.config.sections.section import Section, like
from proxy.core.config.sections.values import Address, FileName, HostNames, UnixMode

SHORTEST_TOKEN = 16


def check_token(token: str) -> str:
    """Raises ValueError with a sentence that names the fault, and not the token."""
    if len(token) < SHORTEST_TOKEN:
        raise ValueError(f"a token of under {SHORTEST_TOKEN} characters can be guessed")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ValueError("a token is one word of ASCII characters: it has to stand in a request header")
    return token


Token = Annotated[str, AfterValidator(check_token)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin(Section):
    """Where people and programs look at rproxy and change what it does: dashboard, JSON API, Prometheus metrics.
    Without this table there is none of it, and nothing is counted for it."""

    listen: Annotated[Address, like("127.0.0.1:9900")]
    """The address that it is served at: host:port or unix:/path. Everybody who can connect can read everything.
    Required."""
    token: Annotated[Token | None, like("JGmqXlnBbS4rD2a9")] = field(default=None, repr=False)
    """The secret without which nothing can be changed. Default: none; then nothing can be changed here."""
    token_file: Annotated[FileName | None, like("/etc/rproxy/admin-token")] = None
    """The file whose first line is the token, in place of "token". It is read at the start and by each reload.
    Default: none."""
    hosts: Annotated[HostNames, like(["rproxy.example.com"])] = ()
    """The names that it answers to, besides "localhost" and addresses: what the Host of a request says. Without
    any, one at a loopback address answers to no other, so that no web page reaches it through a name of its own (DNS
    rebinding), and one elsewhere to all. Default: none."""
    unix_mode: Annotated[UnixMode, like("0660", json_schema_extra={"default": "0660"})] = 0o660
    """Permissions of the socket file, where listen names one. Default 0660: the user and the group who start rproxy."""
