import os
import socket
from pathlib import Path

import pytest

from proxy.core.address import UnixAddress, parse_address
from proxy.core.config import Admin, Backend, Config, Frontend, Pool
from proxy.core.config.files import check_files, read_token


def listen_problems(path: object) -> list[str]:
    frontend = Frontend(name="web", listen=(parse_address("127.0.0.1:80"), UnixAddress(str(path))), pool="app")
    findings = list(check_files(Config(frontends={"web": frontend})))
    assert all((f.path, f.severity) == (("frontends", "web", "listen", 1), "error") for f in findings)
    return [finding.message for finding in findings]


def backend_problems(path: object, *command: str) -> list[str]:
    backends = (Backend(address=parse_address("127.0.0.1:1")), Backend(address=UnixAddress(str(path)), command=command))
    findings = list(check_files(Config(frontends={}, pools={"app": Pool(name="app", backends=backends)})))
    assert all((f.path, f.severity) == (("pools", "app", "backends", 1, "address"), "warning") for f in findings)
    return [finding.message for finding in findings]


def test_a_new_socket_in_a_directory_of_ours(tmp_path: Path) -> None:
    assert listen_problems(tmp_path / "web.sock") == []


def test_abstract_names_are_in_no_directory() -> None:
    assert listen_problems("@web") == backend_problems("@web") == []


def test_a_socket_left_by_an_earlier_run(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))
    assert listen_problems(path) == []


def test_a_file_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    path.write_text("not a socket")
    assert listen_problems(path) == [f"cannot listen on unix:{path}: something that is not a socket has this name"]


def test_a_dangling_link_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    path.symlink_to(tmp_path / "nowhere")
    assert listen_problems(path) == [f"cannot listen on unix:{path}: something that is not a socket has this name"]


def test_no_directory(tmp_path: Path) -> None:
    path = tmp_path / "no" / "web.sock"
    assert listen_problems(path) == [f"cannot listen on unix:{path}: there is no directory {path.parent}"]
    assert backend_problems(path) == [f"nothing can listen on unix:{path} yet: there is no directory {path.parent}"]


def test_a_file_for_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "web.sock"
    assert listen_problems(path) == [f"cannot listen on unix:{path}: {path.parent} is not a directory"]


def test_a_directory_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:  # root may do everything, so it is told that it may not
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    tmp_path.chmod(0o500)
    assert listen_problems(tmp_path / "web.sock") == [
        f"cannot listen on unix:{tmp_path}/web.sock: this user may not make files in the directory {tmp_path}"
    ]


def test_a_backend_may_come_later(tmp_path: Path) -> None:
    assert backend_problems(tmp_path / "app.sock") == []
    assert backend_problems(tmp_path / "no" / "app.sock", "mkdir-and-serve") != []


TOKEN = "0123456789abcdef"


def admin_problems(**settings: str) -> list[tuple[object, str]]:
    admin = Admin(**{"listen": parse_address("127.0.0.1:9900"), **settings})  # type: ignore[arg-type]
    return [(finding.path[-1], finding.message) for finding in check_files(Config(frontends={}, admin=admin))]


def test_a_token_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f" {TOKEN}\nwhat it is for\n")
    assert admin_problems(token_file=str(path)) == []
    assert read_token(Admin(listen=UnixAddress("@admin"), token_file=str(path))) == TOKEN


def test_a_token_in_the_configuration_and_none_at_all() -> None:
    assert read_token(Admin(listen=UnixAddress("@admin"), token=TOKEN)) == TOKEN
    assert read_token(Admin(listen=UnixAddress("@admin"))) is None
    assert admin_problems() == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file or directory"),
        (b"", "a token of under 16 characters can be guessed"),
        (b"short\n" + TOKEN.encode(), "a token of under 16 characters can be guessed"),
        (b"\xff" * 20, "a token is one word of ASCII characters: it has to stand in a request header"),
    ],
)
def test_a_file_without_a_token(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    assert admin_problems(token_file=str(path)) == [("token_file", f"no token can be read from {path}: {why}")]


def test_an_admin_socket_that_cannot_be_made(tmp_path: Path) -> None:
    path = tmp_path / "no" / "admin.sock"
    message = f"cannot listen on unix:{path}: there is no directory {path.parent}"
    assert admin_problems(listen=UnixAddress(str(path))) == [("listen", message)]  # type: ignore[arg-type]
