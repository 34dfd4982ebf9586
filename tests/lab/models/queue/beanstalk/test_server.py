"""Ours and the real beanstalkd, the same tests for both: every command, and a client that others have written."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import greenstalk
import pytest

from tests.lab.models.queue.servers import SERVERS, queue_server
from tests.processes import DEADLINE, connect, wait_until

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=SERVERS)
def queue(request: pytest.FixtureRequest) -> Iterator[str]:
    with queue_server(request.param) as path:
        yield path


def talk(path: str, said: bytes) -> bytes:
    with connect(f"unix:{path}") as sock:
        sock.sendall(said + b"quit\r\n")
        return b"".join(iter(lambda: sock.recv(65536), b""))


CONVERSATIONS = {
    "a name": (
        b"use -a\r\nuse\r\nuse a b\r\nuse (a.b;c/d)$+_-9\r\n",
        b"BAD_FORMAT\r\nUNKNOWN_COMMAND\r\nBAD_FORMAT\r\nUSING (a.b;c/d)$+_-9\r\n",
    ),
    "a long name": (
        b"use " + b"n" * 200 + b"\r\nuse " + b"n" * 201 + b"\r\n",
        b"USING " + b"n" * 200 + b"\r\nBAD_FORMAT\r\n",
    ),
    "watching": (
        b"watch w\r\nwatch w\r\nignore w\r\nignore none\r\nignore default\r\nlist-tubes-watched\r\n",
        b"WATCHING 2\r\nWATCHING 2\r\nWATCHING 1\r\nWATCHING 1\r\nNOT_IGNORED\r\nOK 14\r\n---\n- default\n\r\n",
    ),
    "nothing there": (
        b"use n\r\ndelete 9999\r\nrelease 9999 0 0\r\nbury 9999 0\r\ntouch 9999\r\npeek 9999\r\npeek-ready\r\n"
        b"peek-delayed\r\npeek-buried\r\nkick 5\r\nkick-job 9999\r\nstats-job 9999\r\nstats-tube none\r\n"
        b"pause-tube none 1\r\nreserve-job 9999\r\n",
        b"USING n\r\n" + b"NOT_FOUND\r\n" * 8 + b"KICKED 0\r\n" + b"NOT_FOUND\r\n" * 5,
    ),
    "no numbers": (
        b"put a 0 0 1\r\nput 0 0 0 -1\r\nput 4294967296 0 0 1\r\nput 0 0 0\r\ndelete x\r\nkick\r\nput\r\n",
        b"BAD_FORMAT\r\n" * 5 + b"UNKNOWN_COMMAND\r\n" * 2,
    ),
    "no command": (
        b"\r\nPUT 0 0 0 0\r\nreserve 1\r\nfrobnicate\r\n",
        b"UNKNOWN_COMMAND\r\nUNKNOWN_COMMAND\r\nBAD_FORMAT\r\nUNKNOWN_COMMAND\r\n",
    ),
    "no end": (b"put 0 0 0 1\r\nab\r\r\n", b"EXPECTED_CRLF\r\nUNKNOWN_COMMAND\r\n"),
    "too big": (
        b"put 0 0 0 100001\r\n" + b"x" * 100001 + b"\r\nlist-tube-used\r\n",
        b"JOB_TOO_BIG\r\nUSING default\r\n",
    ),
    "timeout": (b"watch t\r\nreserve-with-timeout 0\r\n", b"WATCHING 2\r\nTIMED_OUT\r\n"),
}


@pytest.mark.parametrize("said", CONVERSATIONS)
def test_both_answer_alike(queue: str, said: str) -> None:
    question, answer = CONVERSATIONS[said]
    assert talk(queue, question) == answer


def test_a_client_of_others_does_all_it_can(queue: str) -> None:
    with greenstalk.Client(queue, use="g", watch="g") as client:
        first, second = client.put("first", priority=9, ttr=30), client.put("second", priority=1, delay=0)
        assert client.peek_ready().id == second
        job = client.reserve()
        assert (job.id, job.body) == (second, "second")
        client.touch(job)
        client.bury(job, priority=2)
        assert client.peek_buried().id == second
        assert client.stats_job(second)["state"] == "buried"
        assert client.kick(10) == 1
        assert [client.reserve(timeout=0).id for _ in range(2)] == [second, first]
        client.release(job, priority=5, delay=60)
        assert client.peek_delayed().id == second
        client.kick_job(second)
        assert client.reserve_job(second).body == "second"
        stats = client.stats_job(second)
        assert (stats["reserves"], stats["releases"], stats["buries"], stats["kicks"]) == (3, 1, 1, 2)
        client.delete(second)
        client.delete(first)
        with pytest.raises(greenstalk.TimedOutError):
            client.reserve(timeout=0)
        assert client.stats_tube("g")["total-jobs"] == 2
        assert client.stats_tube("g")["cmd-delete"] == 2
        assert {"default", "g"} <= set(client.tubes())
        client.pause_tube("g", 0)
        assert client.stats()["max-job-size"] == 100_000


def test_of_equal_priority_the_oldest_comes_first(queue: str) -> None:
    with greenstalk.Client(queue, use="o", watch="o") as client:
        numbers = [client.put("x", priority=5) for _ in range(5)]
        assert [client.reserve(timeout=0).id for _ in numbers] == numbers


def test_the_job_of_a_worker_that_is_gone_is_there_again_at_once(queue: str) -> None:
    with greenstalk.Client(queue, use="r", watch="r") as client:
        with contextlib.closing(connect(f"unix:{queue}")) as worker:
            worker.sendall(b"watch r\r\nreserve\r\n")
            number = client.put("work", ttr=3600)
            wait_until(lambda: client.stats_job(number)["state"] == "reserved")
            with pytest.raises(greenstalk.NotFoundError):
                client.delete(number)
        job = client.reserve(timeout=round(DEADLINE))
        assert client.stats_job(job)["reserves"] == 2
        client.delete(job)


@pytest.mark.slow
def test_the_job_of_a_worker_that_hangs_is_there_again_after_its_time(queue: str) -> None:
    """The real one forgets about it in half of the cases, until the worker says something (beanstalkd 1.12; its issues
    262 and 380)."""
    with greenstalk.Client(queue, use="h", watch="h") as hung, greenstalk.Client(queue, watch="h") as other:
        number = hung.put("work", ttr=1)
        began = time.monotonic()
        hung.reserve()

        def is_ready() -> bool:
            hung.using()
            return other.stats_job(number)["state"] == "ready"

        wait_until(is_ready)
        assert time.monotonic() - began > 0.9
        assert other.reserve(timeout=0).id == number
        with pytest.raises(greenstalk.NotFoundError):
            hung.delete(number)
        other.delete(number)


def test_who_waits_longest_is_served_first(queue: str) -> None:
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(connect(f"unix:{queue}")) for _ in range(3)]
        client = stack.enter_context(greenstalk.Client(queue, use="f"))
        for count, worker in enumerate(workers, 1):
            worker.sendall(b"watch f\r\nignore default\r\nreserve\r\n")
            wait_until(lambda count=count: waiting(client) == count)
        for number, worker in enumerate(workers):
            client.put(str(number))
            assert read_until(worker, b"%d\r\n" % number).endswith(b" 1\r\n%d\r\n" % number)


def waiting(client: greenstalk.Client) -> int:
    return int(client.stats_tube("f")["current-waiting"])


def read_until(sock: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end) or b"RESERVED" not in data:
        data += sock.recv(4096)
    return data


def test_commands_may_be_sent_ahead(queue: str) -> None:
    """The gateway does: several `reserve` at once, each answered when a job is there."""
    with connect(f"unix:{queue}") as worker, greenstalk.Client(queue, use="p") as client:
        worker.sendall(b"watch p\r\nignore default\r\nreserve\r\nreserve\r\nlist-tube-used\r\n")
        first, second = client.put("a"), client.put("b")
        want = b"WATCHING 2\r\nWATCHING 1\r\nRESERVED %d 1\r\na\r\nRESERVED %d 1\r\nb\r\nUSING default\r\n"
        want %= (first, second)
        data = b""
        while len(data) < len(want):
            data += worker.recv(4096)
        assert data == want
