"""Clients that go on while something is done to the proxy, and that tell what went wrong, when, and how.

Each is a thread with blocking sockets, as simple as clients get: nothing is tried again, and nothing is forgiven.
"""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.acceptance.stream import BLOCK, check, piece
from tests.clients.support import program
from tests.processes import DEADLINE, connect

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

GET = b"GET / HTTP/1.1\r\nHost: test\r\n"
CUT = "cut"  # the connection ended under a request


@dataclass(frozen=True)
class Failure:
    """at: monotonic seconds. what: CUT, or what came instead of a good answer."""

    at: float
    what: str


@dataclass
class Tally:
    """Of one client: shared by its thread and the test, of which only the thread writes."""

    name: str
    good: int = 0
    failures: list[Failure] = field(default_factory=list)

    def fail(self, what: str) -> None:
        self.failures.append(Failure(time.monotonic(), what))


class Client(threading.Thread):
    """Does `once` until it is told to stop. Whatever that raises is a failure of the test."""

    def __init__(self, name: str, address: str) -> None:
        super().__init__(name=name, daemon=True)
        self.address = address
        self.tally = Tally(name)
        self.error: BaseException | None = None
        self._stop_asked = threading.Event()

    def run(self) -> None:
        try:
            while not self._stop_asked.is_set():
                self.once()
        except BaseException as error:  # noqa: BLE001 - told to the test, in its own thread
            self.error = error
        finally:
            self.end()

    def once(self) -> None:
        raise NotImplementedError

    def end(self) -> None:
        """Whatever is open is closed."""

    def stop(self) -> None:
        self._stop_asked.set()
        self.join(DEADLINE)
        assert not self.is_alive(), f"{self.name} hangs"
        if self.error is not None:
            raise AssertionError(f"{self.name} after {self.tally.good} good answers") from self.error


class Opener(Client):
    """A new connection for each request."""

    def once(self) -> None:
        try:
            with connect(self.address) as sock:
                sock.sendall(GET + b"Connection: close\r\n\r\n")
                answer = b"".join(iter(lambda: sock.recv(65536), b""))
        except TimeoutError:
            self.tally.fail(f"no answer within {DEADLINE:g} s")
        except (ConnectionResetError, BrokenPipeError):
            self.tally.fail(CUT)
        except OSError as error:
            self.tally.fail(str(error))
        else:
            judge(self.tally, answer)


class Keeper(Client):
    """Requests with a pause between them over one connection, until an answer says that it is the last one."""

    PAUSE = 0.003

    def __init__(self, name: str, address: str) -> None:
        super().__init__(name, address)
        self._sock: socket.socket | None = None

    def once(self) -> None:
        try:
            if self._sock is None:
                self._sock = connect(self.address)
            self._sock.sendall(GET + b"\r\n")
            answer = read_answer(self._sock)
        except TimeoutError:
            self.tally.fail(f"no answer within {DEADLINE:g} s")
            self.end()
        except (ConnectionResetError, BrokenPipeError):
            self.tally.fail(CUT)
            self.end()
        else:
            judge(self.tally, answer)
            if not answer or b"\r\nconnection: close" in answer.lower():
                self.end()
            self._stop_asked.wait(self.PAUSE)

    def end(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None


def judge(tally: Tally, answer: bytes) -> None:
    if not answer:
        tally.fail(CUT)
    elif not answer.startswith(b"HTTP/1.1 200 "):
        reason = re.search(rb"(?i)x-rproxy-error: ([^\r]*)", answer)
        tally.fail(f"{answer[9:12].decode()} {reason[1].decode() if reason else ''}")
    elif not is_whole(answer):
        tally.fail(f"half an answer: {answer[:200]!r}")
    else:
        tally.good += 1


def is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return bool(end) and length is not None and len(body) == int(length[1])


def read_answer(sock: socket.socket) -> bytes:
    """Until it is whole, or the connection over."""
    answer = b""
    while not (answer and is_whole(answer)):
        data = sock.recv(65536)
        if not data:
            break
        answer += data
    return answer


class WebSocket(Client):
    """One WebSocket for all its life: numbers go out, and have to come back in order."""

    def __init__(self, name: str, address: str) -> None:
        super().__init__(name, address)
        from websockets.sync.client import connect as open_websocket

        self._stack = contextlib.ExitStack()
        opened = open_websocket(f"ws://{address}/websocket", proxy=None, open_timeout=DEADLINE)
        self._websocket = self._stack.enter_context(opened)

    def once(self) -> None:
        self._websocket.send(f"{self.tally.good}")
        assert self._websocket.recv(DEADLINE) == f"{self.tally.good}"
        self.tally.good += 1
        self._stop_asked.wait(0.01)

    def end(self) -> None:
        self._stack.close()


class Transfer(Client):
    """One TCP connection for all its life: a stream goes out and comes back, and each byte is compared."""

    def __init__(self, name: str, address: str) -> None:
        super().__init__(name, address)
        self._sock = connect(address)
        self.bytes = 0

    def once(self) -> None:
        """tally.good: rounds."""
        self._sock.sendall(piece(1, self.bytes, BLOCK // 8))
        end = self.bytes + BLOCK // 8
        while self.bytes < end:
            data = self._sock.recv(min(BLOCK, end - self.bytes))
            assert data, f"ended after {self.bytes} bytes"
            check(1, self.bytes, data)
            self.bytes += len(data)
        self.tally.good += 1
        self._stop_asked.wait(0.01)

    def end(self) -> None:
        self._sock.close()


@dataclass
class Wrk:
    """What wrk said at its end. errors: by the kind of socket error, and "status" for other answers than 2xx."""

    requests: int = 0
    errors: dict[str, int] = field(default_factory=dict)


@contextlib.contextmanager
def wrk(address: str, connections: int = 16) -> Iterator[Wrk]:
    """Runs during the block, which takes longer than its start; the record is filled in at its end."""
    args = (program("wrk"), "-t1", f"-c{connections}", "-d600s", "--timeout", f"{DEADLINE:g}s", f"http://{address}/")
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    record = Wrk()
    try:
        yield record
        text = _enough(process)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    count = re.search(r"(\d+) requests in", text)
    assert count, text
    record.requests = int(count[1])
    if kinds := re.search(r"Socket errors: (.*)", text):
        pairs = (item.split() for item in kinds[1].split(", "))
        record.errors = {kind: int(number) for kind, number in pairs if int(number)}
    if wrong := re.search(r"Non-2xx or 3xx responses: (\d+)", text):
        record.errors["status"] = int(wrong[1])


def _enough(process: subprocess.Popen[str]) -> str:
    """What it reports. SIGINT ends its sleep, but not one that it has not begun: so it is told more than once."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=0.5)[0]
    raise AssertionError("wrk does not end")


@contextlib.contextmanager
def going(*clients: Client) -> Iterator[None]:
    """They run during the block, and had no error of their own at its end."""
    for client in clients:
        client.start()
    try:
        yield
    except BaseException:
        for client in clients:
            with contextlib.suppress(AssertionError):
                client.stop()
        raise
    for client in clients:
        client.stop()
