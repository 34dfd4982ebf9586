"""The command line as people meet it: help, checks, errors at start, signals."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import tomllib
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import jsonschema
import pytest

from proxy import __version__
from proxy.cli import main
from proxy.serve.machine.processes import process_of
from tests.clients.support import (
    PATH,
    RPROXY,
    Rproxy,
    descendants,
    missing,
    running,
    short_directory,
    spawn,
    started,
)
from tests.processes import DEADLINE, ROOT, connect, free_port, is_alive, is_listening, request, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

GOOD = """
[frontends.web]
listen = "127.0.0.1:{port}"
pool = "app"

[[pools.app.backends]]
address = "127.0.0.1:9001"
command = ["touch", "{touched}"]
"""
SERVING = """
    [frontends.web]
    listen = "127.0.0.1:0"
    pool = "app"

    [shutdown]
    drain = "{drain}"

    [[pools.app.backends]]
    address = "unix:{directory}/app.sock"
    command = "python -m backends.hello --listen {{address}}"
"""


@pytest.fixture
def touched(tmp_path: Path) -> Path:
    """Exists when a command of GOOD was run."""
    return tmp_path / "touched"


@pytest.fixture
def good(tmp_path: Path, touched: Path) -> Path:
    path = tmp_path / "lb.toml"
    path.write_text(GOOD.format(port=free_port(), touched=touched))
    return path


@pytest.fixture
def bad(good: Path) -> Path:
    good.write_text(good.read_text().replace("pool =", "pol =").replace("address", "adress"))
    return good


def finished(args: Sequence[str], config: Path | str, directory: Path) -> tuple[int, str]:
    """Exit status and stderr of an rproxy that should not come up."""
    process = spawn(directory, (*args, "--config", str(config)))
    try:
        return process.wait(DEADLINE), (directory / "stderr").read_text()
    finally:
        process.kill()
        process.wait()


# Help, version, schema.


def test_help_shows_every_command_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--help"])
    text = capsys.readouterr().out
    for word in ("rproxy --config lb.toml", "check", "--json", "schema", "--version", "--log-level"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 120


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"rproxy {__version__}\n"


@pytest.mark.parametrize("args", [[], ["--confg", "lb.toml"], ["chekc"], ["check"], ["--log-level", "loud"]])
def test_a_bad_command_line_is_explained(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(args)
    error = capsys.readouterr().err
    assert error.startswith("usage: rproxy")
    assert "error: " in error


def test_the_schema_is_one_and_accepts_every_sample(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in (ROOT / "configs").glob("*.toml"):
        validator.validate(tomllib.loads(path.read_text()))
    assert not validator.is_valid({"frontends": {"web": {"listen": "127.0.0.1:80", "pol": "app"}}})


@pytest.mark.slow
def test_the_installed_program_is_the_same() -> None:
    script = shutil.which("rproxy", path=PATH)
    if script is None:
        missing("rproxy is not installed: pip install -e .")
    result = subprocess.run((script, "--version"), capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert result.stdout == f"rproxy {__version__}\n"


# Checks.


def test_check_of_a_good_file(good: Path, touched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(good)]) == 0
    assert capsys.readouterr().out == f"{good}: good\n"
    assert not touched.exists()


def test_check_of_a_bad_file_tells_all_that_is_wrong(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(bad)]) == 2
    text = capsys.readouterr().out
    assert f'{bad}:4:1: unknown key "pol"' in text
    assert f"{bad}:7:1: " in text
    assert re.search(r'did you mean "?pool', text)


def test_check_as_json(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json", str(bad)]) == 2
    problems = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {4, 7} <= {problem["line"] for problem in problems}
    assert {problem["severity"] for problem in problems} == {"error"}


def test_check_of_a_good_file_as_json_is_empty(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json", str(good)]) == 0
    assert capsys.readouterr().out == ""


# Errors at start: one clear message, and nothing was started.


@pytest.mark.slow
def test_a_bad_file_starts_nothing(bad: Path, touched: Path, tmp_path: Path) -> None:
    status, error = finished(RPROXY, bad, tmp_path)
    assert status == 2
    assert 'unknown key "pol"' in error
    assert "Traceback" not in error
    assert not touched.exists()


@pytest.mark.slow
def test_a_missing_file(tmp_path: Path) -> None:
    status, error = finished(RPROXY, "nowhere.toml", tmp_path)
    assert status == 2
    assert "nowhere.toml" in error
    assert "there is no such file" in error
    assert "Traceback" not in error


@pytest.mark.slow
def test_a_directory_for_a_file(tmp_path: Path) -> None:
    status, error = finished(RPROXY, tmp_path, tmp_path)
    assert status == 2
    assert "Traceback" not in error


@pytest.mark.slow
def test_a_port_in_use_names_who_uses_it(good: Path, touched: Path, tmp_path: Path) -> None:
    address = tomllib.loads(good.read_text())["frontends"]["web"]["listen"]
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
        status, error = finished(RPROXY, good, tmp_path)
    assert status == 1
    us = process_of(os.getpid())
    assert error == f"rproxy: frontend web: cannot listen on {address}: Address already in use, by {us}\n"
    assert not touched.exists()


@pytest.mark.slow
def test_authorities_that_are_none_are_named(good: Path, touched: Path, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    good.write_text(f'{good.read_text()}\n[pools.app.tls]\nca = "{tmp_path}/ca.pem"\n')
    status, error = finished(RPROXY, good, tmp_path)
    assert status == 2
    assert f"lb.toml:11:6: {tmp_path}/ca.pem: no certificate or crl found\n" in error
    assert not touched.exists()


@pytest.mark.slow
def test_a_unix_socket_in_use_is_not_taken_over(tmp_path: Path) -> None:
    with short_directory() as directory, socket.socket(socket.AF_UNIX) as holder:
        path = directory / "web.sock"
        holder.bind(str(path))
        holder.listen()
        config = tmp_path / "lb.toml"
        config.write_text(f'frontends.web = {{ listen = "unix:{path}", pool = "app" }}\npools.app.backends = ["h:1"]\n')
        status, error = finished(RPROXY, config, tmp_path)
        assert status == 1
        assert f"cannot listen on unix:{path}: Address already in use" in error
        assert f"(pid {os.getpid()}, user " in error
        assert path.is_socket()


@pytest.mark.slow
def test_no_permission_in_a_directory_of_a_unix_socket(tmp_path: Path) -> None:
    with short_directory() as directory:
        config = tmp_path / "lb.toml"
        listen = f'listen = ["127.0.0.1:0", "unix:{directory}/web.sock"]'
        config.write_text(f'[frontends.web]\n{listen}\npool = "app"\n[pools.app]\nbackends = ["127.0.0.1:1"]\n')
        directory.chmod(0o500)
        status, error = finished((*without_root_rights(), *RPROXY), config, tmp_path)
        directory.chmod(0o700)
    assert status == 2
    assert f"lb.toml:2:26: cannot listen on unix:{directory}/web.sock" in error
    assert "may not make files in the directory" in error


def without_root_rights() -> tuple[str, ...]:
    """Root may write everywhere, unless it gives up that capability."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        missing("setpriv is not installed: apt-get install util-linux")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


# The doctor.


def test_doctor_examines_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert " checks: " in capsys.readouterr().out


def test_doctor_finds_a_stranger_on_our_port(good: Path, touched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = tomllib.loads(good.read_text())["frontends"]["web"]["listen"].rpartition(":")[2]
    with socket.create_server(("127.0.0.1", int(port))):
        assert main(["doctor", "--config", str(good)]) == 2
    assert f"problem: frontend web, 127.0.0.1:{port}: " in capsys.readouterr().out
    assert not touched.exists()


def test_doctor_as_json(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["doctor", "--json", "--config", str(good)])
    assert json.loads(capsys.readouterr().out)["status"] == status


def test_doctor_of_a_bad_file_says_what_is_wrong_with_it(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--config", str(bad)]) == 2
    seen = capsys.readouterr()
    assert f"{bad}:4:1: " in seen.err
    assert not seen.out


# Signals.


@pytest.fixture
def serving(request: pytest.FixtureRequest) -> Iterator[Rproxy]:
    """With one managed backend; a test ends it. Parameter: how long it drains."""
    with (
        short_directory() as directory,
        started(SERVING.format(directory=directory, drain=getattr(request, "param", "20s"))) as rproxy,
    ):
        assert len(descendants(rproxy.process.pid)) == 1
        yield rproxy


class Slow(threading.Thread):
    """A request that the backend has when it is constructed. status: None if there was no whole answer."""

    def __init__(self, rproxy: Rproxy, delay: float) -> None:
        super().__init__()
        self.status: int | None = None
        self.connection_field: str | None = None
        self._connection = HTTPConnection(rproxy.address, timeout=30)
        self._connection.request("GET", f"/?delay={delay}")
        assert request(rproxy.address).status == 200  # so the one before it was accepted, and read
        self.start()

    def run(self) -> None:
        with closing(self._connection):
            try:
                response = self._connection.getresponse()
                response.read()
            except OSError:
                return
            self.status, self.connection_field = response.status, response.headers["Connection"]

    def wait(self) -> int | None:
        self.join(30)
        return self.status


def wait_refused(rproxy: Rproxy) -> None:
    wait_until(lambda: not is_listening(rproxy.address))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_a_running_exchange_finish_and_refuses_new_clients(serving: Rproxy, number: int) -> None:
    family = descendants(serving.process.pid)
    slow = Slow(serving, 1.0)
    serving.signal(number)
    wait_refused(serving)
    assert serving.process.poll() is None
    assert (slow.wait(), slow.connection_field) == (200, "close")
    assert serving.process.wait(DEADLINE) == 0
    wait_until(lambda: not any(map(is_alive, family)))
    assert "Traceback" not in serving.log


@pytest.mark.slow
def test_an_idle_client_does_not_delay_the_end(serving: Rproxy) -> None:
    with closing(HTTPConnection(serving.address, timeout=10)) as client, connect(serving.address):
        client.request("GET", "/")
        client.getresponse().read()
        serving.signal()
        assert serving.process.wait(5) == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_cuts(serving: Rproxy, number: int) -> None:
    family = descendants(serving.process.pid)
    slow = Slow(serving, 2.5)
    serving.signal(number)
    wait_refused(serving)
    serving.signal(number)
    assert slow.wait() is None
    serving.process.wait(DEADLINE)
    wait_until(lambda: not any(map(is_alive, family)))
    assert "Traceback" not in serving.log


@pytest.mark.slow
@pytest.mark.parametrize("serving", ["300ms"], indirect=True)
def test_the_deadline_of_the_drain_cuts(serving: Rproxy) -> None:
    slow = Slow(serving, 2.5)
    serving.signal()
    assert slow.wait() is None
    assert serving.process.wait(DEADLINE) == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG")
def test_managed_backends_do_not_outlive_a_killed_rproxy(serving: Rproxy) -> None:
    family = descendants(serving.process.pid)
    serving.signal(signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, family)))


@pytest.mark.slow
def test_the_start_table(serving: Rproxy) -> None:
    frontend, pool = re.findall(r"^(?:frontend|pool) .*$", serving.output, re.MULTILINE)
    assert frontend.split() == ["frontend", "web", "http", serving.address, "->", "app"]
    assert pool.split()[:3] == ["pool", "app", "least-connections"]
    assert pool.endswith("managed")


# Reloads.

WATCHED = """
    [frontends.web]
    listen = ["127.0.0.1:0"{more}]
    {leads}

    [reload]
    watch = {watch}
"""
IN_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
TEAPOT, GONE = "respond = 418", "respond = 410"


def rewrite(rproxy: Rproxy, more: str = "", leads: str = TEAPOT, watch: str = "false") -> None:
    """At once, as a deployment does."""
    new = rproxy.directory / "new.toml"
    new.write_text(textwrap.dedent(WATCHED.format(more=more, leads=leads, watch=watch)))
    new.rename(rproxy.directory / "lb.toml")


@pytest.fixture
def reloading() -> Iterator[Rproxy]:
    with running(WATCHED.format(more="", leads=TEAPOT, watch="false")) as rproxy:
        yield rproxy


@pytest.mark.slow
def test_sighup_reads_the_file_again(reloading: Rproxy) -> None:
    port = free_port()
    assert request(reloading.address).status == 418
    rewrite(reloading, more=f', "127.0.0.1:{port}"', leads=GONE)
    reloading.signal(signal.SIGUSR1)  # for log files alone
    assert request(reloading.address).status == 418
    reloading.signal(signal.SIGHUP)
    wait_until(lambda: request(reloading.address).status == 410)
    assert request(f"127.0.0.1:{port}").status == 410
    assert f"reload: + frontend web: listen 127.0.0.1:{port}" in reloading.log
    rewrite(reloading, leads=GONE)
    reloading.signal(signal.SIGHUP)
    wait_until(lambda: not is_listening(f"127.0.0.1:{port}"))


@pytest.mark.slow
def test_bad_file_changes_nothing(reloading: Rproxy) -> None:
    rewrite(reloading, leads="pool = 'nowhere'")
    reloading.signal(signal.SIGHUP)
    wait_until(lambda: "the configuration stays as it was: the file has errors" in reloading.log)
    assert 'there is no pool "nowhere"' in reloading.log
    assert request(reloading.address).status == 418


@pytest.mark.slow
def test_address_that_is_taken_changes_nothing_and_names_who_has_it(reloading: Rproxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        rewrite(reloading, more=f', "127.0.0.1:{taken.getsockname()[1]}"', leads=GONE)
        reloading.signal(signal.SIGHUP)
        wait_until(lambda: "the configuration stays as it was: frontend web: cannot listen on" in reloading.log)
    assert f"(pid {os.getpid()}, user " in reloading.log
    assert request(reloading.address).status == 418


@pytest.mark.slow
def test_file_that_changed_is_read_without_a_word_if_that_is_asked_for(reloading: Rproxy) -> None:
    rewrite(reloading, watch="true")
    reloading.signal(signal.SIGHUP)
    wait_until(lambda: "~ reload.watch false -> true" in reloading.log)
    rewrite(reloading, leads=GONE, watch="true")
    wait_until(lambda: request(reloading.address).status == 410)


@pytest.mark.slow
def test_end_of_the_terminal_ends_what_runs_in_it() -> None:
    """SIGHUP comes with it, and means what it has always meant."""
    master, slave = os.openpty()
    with short_directory() as directory:
        path = directory / "lb.toml"
        path.write_text(textwrap.dedent(WATCHED.format(more="", leads=TEAPOT, watch="false")))
        process = subprocess.Popen(
            [sys.executable, "-c", IN_TERMINAL, sys.executable, "-m", "proxy", "--config", str(path)],
            cwd=ROOT, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        os.close(slave)
        assert process.stdout is not None
        with process.stdout as output:
            assert b"frontend" in output.readline()
            process.send_signal(signal.SIGHUP)  # from somebody else: the terminal is still there
            while b"reload: nothing changes" not in output.readline():
                pass
            os.close(master)
            assert process.wait(DEADLINE) == 0
            assert b"stopping" in output.read()
