from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from backends._listen import address_of, listen, listening, parse

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("text", ["9001", "host", "127.0.0.1:http", ""])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        parse(text)


@pytest.mark.parametrize("text", ["127.0.0.1:9001", "[::1]:9001", "unix:/run/a.sock", "unix:@name"])
def test_families(text: str) -> None:
    assert parse(text).family == (
        socket.AF_UNIX if "unix" in text else socket.AF_INET6 if "[" in text else socket.AF_INET
    )


def test_address_can_be_read_back(tmp_path: Path) -> None:
    for text in (f"unix:{tmp_path}/a", "unix:@rproxy-test-listen"):
        with listen(text) as sock:
            assert address_of(sock) == text
    with listen("127.0.0.1:0") as sock:
        assert address_of(sock) == f"127.0.0.1:{sock.getsockname()[1]}"


def test_stale_socket_file_is_replaced(tmp_path: Path) -> None:
    listen(f"unix:{tmp_path}/a").close()  # closed without unlink, as after kill -9
    with listen(f"unix:{tmp_path}/a"), socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{tmp_path}/a")


def test_live_socket_file_is_an_error(tmp_path: Path) -> None:
    with listen(f"unix:{tmp_path}/a"), pytest.raises(OSError, match="in use"):
        listen(f"unix:{tmp_path}/a")


def test_live_socket_with_a_full_backlog_is_not_taken_for_stale(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(f"{tmp_path}/a")
        busy.listen(0)
        waiting.connect(f"{tmp_path}/a")
        with pytest.raises(OSError, match="in use"):
            listen(f"unix:{tmp_path}/a")


def test_plain_file_is_never_deleted(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("precious")
    with pytest.raises(OSError, match="in use"):
        listen(f"unix:{path}")
    assert path.read_text() == "precious"


def test_socket_file_is_removed_at_the_end(tmp_path: Path) -> None:
    with listening(f"unix:{tmp_path}/a"):
        assert (tmp_path / "a").is_socket()
    assert not (tmp_path / "a").exists()


def test_socket_file_of_a_successor_stays(tmp_path: Path) -> None:
    with listening(f"unix:{tmp_path}/a") as first:
        first.close()
        successor = listen(f"unix:{tmp_path}/a")
    with successor:
        assert (tmp_path / "a").is_socket()


def test_reuseport_members_share_a_port() -> None:
    with listen("127.0.0.1:0", reuseport=True) as first, listen(address_of(first), reuseport=True) as second:
        assert address_of(second) == address_of(first)
    with listen("127.0.0.1:0") as first, pytest.raises(OSError, match="in use"):
        listen(address_of(first), reuseport=True)
