"""Real processes for tests: start one, wait until it listens, talk to it, and be sure that it is gone afterwards."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parent.parent
DEADLINE = 10.0  # seconds; for what takes milliseconds on an idle machine


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses at the moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def start_process(
    args: Sequence[str], *, env: Mapping[str, str] | None = None, pass_fds: Sequence[int] = (), stdin: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs it from the root of the project, in a process group of its own that is ended at exit."""
    process = subprocess.Popen(
        args, cwd=ROOT, env={**os.environ, **(env or {})}, pass_fds=pass_fds, stdin=stdin, start_new_session=True
    )
    try:
        yield process
    finally:
        end_group(process)


def end_group(process: subprocess.Popen[bytes], grace: float = 5.0) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(grace)


class Backend(NamedTuple):
    process: subprocess.Popen[bytes]
    address: str


@contextlib.contextmanager
def start_backend(name: str, *args: str, listen: str | None = None) -> Iterator[Backend]:
    """`python -m backends.NAME`, listening when the block begins."""
    address = listen or f"127.0.0.1:{free_port()}"
    with start_process((sys.executable, "-m", f"backends.{name}", "--listen", address, *args)) as process:
        wait_listening(address, process=process)
        yield Backend(process, address)


def connect(address: str, timeout: float = DEADLINE) -> socket.socket:
    """address: `127.0.0.1:80`, `unix:/path`, `unix:@name`. Raises OSError."""
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        path = address.removeprefix("unix:")
        target: str | tuple[str, int] = "\0" + path[1:] if path.startswith("@") else path
    else:
        host, _, port = address.rpartition(":")
        sock = socket.socket(socket.AF_INET6 if host.startswith("[") else socket.AF_INET)
        sock.settimeout(timeout)
        target = (host.strip("[]"), int(port))
    try:
        sock.connect(target)
        if sock.getsockname() == sock.getpeername() != "":  # a free local port can meet itself (RFC 9293 3.5)
            raise ConnectionRefusedError
    except BaseException:
        sock.close()
        raise
    return sock


def wait_until(condition: Callable[[], bool], deadline: float = DEADLINE) -> None:
    """Fails when it does not come true within `deadline` seconds."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"not within {deadline} s"
        time.sleep(0.01)


def is_listening(address: str) -> bool:
    try:
        connect(address, 1.0).close()
    except OSError:
        return False
    return True


def wait_listening(address: str, deadline: float = DEADLINE, *, process: subprocess.Popen[bytes] | None = None) -> None:
    """Until a connect works. Fails at once when `process`, which should listen there, has ended."""

    def is_up() -> bool:
        assert process is None or process.poll() is None, f"ended with status {process.returncode} and never listened"
        return is_listening(address)

    wait_until(is_up, deadline)


def is_alive(pid: int) -> bool:
    """A zombie is not alive, but is not gone either: see `is_gone`."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def request(address: str, path: str = "/", method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = connect(address)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


def read_all(sock: socket.socket) -> bytes:
    """Until the other side closes."""
    return b"".join(iter(lambda: sock.recv(65536), b""))


def exchange(address: str, data: bytes) -> bytes:
    """Sends, ends its side, and reads to the end."""
    with connect(address) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)
