import pytest

from proxy.core.address import parse_address
from proxy.core.config import Backend
from proxy.core.config.rules.placeholders import check_command

TCP, UNIX = "127.0.0.1:9001", "unix:/run/app.sock"


def problems(address: str, *command: str) -> list[tuple[str, str]]:
    backend = Backend(address=parse_address(address), command=command)
    return [(finding.message, finding.hint) for finding in check_command(backend, ("pools", "app", "backends", 0))]


@pytest.mark.parametrize(
    ("address", "command"),
    [
        (TCP, "{address} {host} {port} {member} {pool}"),
        (UNIX, "{address}{socket}{member}{pool}"),
        (TCP, '{} { } {"json": 1} {0} ${HOME:-x}'),
        (TCP, ""),
    ],
)
def test_sound_commands(address: str, command: str) -> None:
    assert problems(address, "app", command) == []


def test_unknown_placeholders_are_said_once() -> None:
    assert problems(TCP, "{adress}", "--x={adress}") == [("{adress} is not a placeholder", 'did you mean "address"?')]
    assert problems(TCP, "{zzz}") == [
        ("{zzz} is not a placeholder", "known here: address, host, port, socket, member, pool")
    ]


def test_placeholders_of_the_other_family() -> None:
    tcp_only = "needs a TCP address, and this backend listens on unix:/run/app.sock"
    assert problems(UNIX, "{host}:{port}") == [
        (f"{{host}} {tcp_only}", "use {socket}"),
        (f"{{port}} {tcp_only}", "use {socket}"),
    ]
    assert problems(TCP, "{socket}") == [
        ("{socket} needs a Unix socket, and this backend listens on 127.0.0.1:9001", "use {host} and {port}")
    ]
