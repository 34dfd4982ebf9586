"""Commands with placeholders: which way in each takes, what is filled in, and what is wrong with a bad one."""

from __future__ import annotations

import pytest

from proxy.lab.application import SAMPLE, WAYS, BadApplication, parse_application


def test_placeholders_say_which_way_in_a_command_takes() -> None:
    found = parse_application(
        ["uvicorn app:app --uds {socket}", "uvicorn app:app --fd {fd}", "uvicorn app:app --host {host} --port {port}"],
        stdio=["python once.py"],
    )
    assert set(found.commands) == {"socket", "fd", "port", "stdio"}
    assert found.name == "uvicorn app:app"
    assert found.command("port", worker=1, port=80) == ["uvicorn", "app:app", "--host", "127.0.0.1", "--port", "80"]
    assert found.command("fd", worker=1, fd=7)[-1] == "7"
    assert not found.takes("reuseport")


def test_a_command_that_shares_its_port_serves_alone_too() -> None:
    found = parse_application([], reuseport=["serve -p {port} --name w{worker}"])
    assert found.command("port", worker=3, port=81) == ["serve", "-p", "81", "--name", "w3"]
    assert found.takes("reuseport")


def test_our_own_takes_every_way() -> None:
    assert all(SAMPLE.takes(way) for way in WAYS)
    command = SAMPLE.command("socket", worker=2, socket="/run/a b.sock")
    assert command[-3:] == ["worker-2", "--listen", "unix:/run/a b.sock"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty command"),
        ("serve", "none of them"),
        ("serve {port} {socket}", "more than one of them"),
        ("serve {socket} {sock}", "{sock} is no placeholder"),
        ("serve '{port}", "No closing quotation"),
    ],
)
def test_a_bad_command_is_told_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(BadApplication, match=message):
        parse_application([text])


def test_what_shares_a_port_needs_one() -> None:
    with pytest.raises(BadApplication, match=r"\{port\} is missing"):
        parse_application([], reuseport=["serve {socket}"])


def test_nothing_is_no_application() -> None:
    with pytest.raises(BadApplication, match="no command"):
        parse_application([])
