"""Who gets how much, counted from the pids in the answers of real processes behind a real rproxy."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.acceptance.crowd import crowd, length_of, pid_of
from tests.clients.support import running, short_directory
from tests.processes import connect, read_all, start_backend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.clients.support import Rproxy

FAST, SLOW = 0.06, 0.6  # seconds per request; long beside what a busy machine adds
CLIENTS = 64
WINDOW = 4 * SLOW  # whole rounds of the slow one
WEIGHTS = (5, 1, 1)
CYCLE = sum(WEIGHTS)
MODES = ("http", "tcp")
POLICIES = ("least-connections", "round-robin", "random", "two-choices")
AT_ONCE = "/?delay=0"  # overrides the delay of the backend

pytestmark = pytest.mark.slow


class Shared(NamedTuple):
    """pids: of the backends; the last one is slow."""

    rproxy: Rproxy
    pids: list[int]

    def address(self, mode: str, policy: str, kind: str) -> str:
        return self.rproxy.addresses[f"{mode}-{policy}-{kind}"][0]


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    """A frontend for every mode and policy: `even` over all four backends, `weighted` over the first three."""
    with ExitStack() as stack:
        directory = stack.enter_context(short_directory())
        backends = [
            stack.enter_context(
                start_backend("hello", "--delay", str(delay), listen=f"unix:{directory}/worker-{number}.sock")
            )
            for number, delay in enumerate((FAST, FAST, FAST, SLOW))
        ]
        addresses = [backend.address for backend in backends]
        text = "\n".join(configuration(addresses))
        yield Shared(stack.enter_context(running(text)), [backend.process.pid for backend in backends])


def configuration(addresses: list[str]) -> Iterator[str]:
    for mode, policy, kind in itertools.product(MODES, POLICIES, ("even", "weighted")):
        name = f"{mode}-{policy}-{kind}"
        yield f'[frontends.{name}]\nlisten = "127.0.0.1:0"\nmode = "{mode}"\npool = "{name}"\n'
        weights = WEIGHTS if kind == "weighted" else (1, 1, 1, 1)
        members = ", ".join(
            f'{{address = "{address}", weight = {weight}}}' for address, weight in zip(addresses, weights, strict=False)
        )
        yield f'[pools.{name}]\nbalance = "{policy}"\nbackends = [{members}]\n'


# ---------------------------------------------------------------------- clients


def ask_in_turn(address: str, count: int) -> list[int]:
    """The pids that answer `count` requests, each on a connection of its own: an exchange is a connection."""
    pids = []
    for _ in range(count):
        with connect(address) as sock:
            sock.sendall(f"GET {AT_ONCE} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode())
            pids.append(pid_of(read_all(sock).partition(b"\r\n\r\n")[2]))
    return pids


def ask_on_one_connection(address: str, count: int) -> list[int]:
    with connect(address) as sock, sock.makefile("rb") as stream:
        pids = []
        for _ in range(count):
            sock.sendall(f"GET {AT_ONCE} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
            head = b"".join(iter(stream.readline, b"\r\n"))
            pids.append(pid_of(stream.read(length_of(head))))
        return pids


async def rounds(address: str, *, is_reconnecting: bool) -> Counter[int]:
    """Answers by pid within WINDOW. The first round is not counted."""
    return await crowd(address, CLIENTS, skip=SLOW, window=WINDOW, is_reconnecting=is_reconnecting)


def show(what: str, answers: Counter[int], shared: Shared) -> list[int]:
    counts = [answers[pid] for pid in shared.pids]
    print(f"{what}: {counts}, {sum(counts)} answers")
    assert sum(counts) == answers.total(), "somebody else answered"
    return counts


# ---------------------------------------------------------------------- least-connections, two-choices, random


@pytest.mark.parametrize("mode", MODES)
async def test_least_connections_gives_a_backend_ten_times_slower_a_tenth_of_the_others_share(
    shared: Shared, mode: str
) -> None:
    """In HTTP mode the clients keep their connections; in TCP mode a connection is what is counted, so they do not."""
    answers = await rounds(shared.address(mode, "least-connections", "even"), is_reconnecting=mode == "tcp")
    *fast, slow = show(f"{mode} least-connections", answers, shared)
    assert 0.06 < slow / (sum(fast) / 3) < 0.16
    assert max(fast) < 1.15 * min(fast)


@pytest.mark.parametrize("mode", MODES)
async def test_two_choices_spares_a_slow_backend_and_leaves_nobody_out(shared: Shared, mode: str) -> None:
    answers = await rounds(shared.address(mode, "two-choices", "even"), is_reconnecting=mode == "tcp")
    *fast, slow = show(f"{mode} two-choices", answers, shared)
    assert 0.04 < slow / (sum(fast) / 3) < 0.3  # of 64 at a time a few more than with full knowledge queue at the slow
    assert max(fast) < 1.3 * min(fast)


async def test_random_does_not_look_at_the_load(shared: Shared) -> None:
    """The counter-example that shows what the two above do: the slow one gets as much work as any, and all wait."""
    answers = await rounds(shared.address("http", "random", "even"), is_reconnecting=False)
    *fast, slow = show("http random", answers, shared)
    assert slow / (sum(fast) / 3) > 0.5


# ---------------------------------------------------------------------- weights


@pytest.mark.parametrize(
    ("mode", "clients"),
    [("http", ask_in_turn), ("http", ask_on_one_connection), ("tcp", ask_in_turn)],
    ids=["http", "http-keep-alive", "tcp"],
)
def test_round_robin_by_weight_is_exact_and_smooth(
    shared: Shared, mode: str, clients: Callable[[str, int], list[int]]
) -> None:
    pids = clients(shared.address(mode, "round-robin", "weighted"), 10 * CYCLE)
    print(f"{mode}: {''.join('abc'[shared.pids.index(pid)] for pid in pids)}")
    assert [Counter(pids)[pid] for pid in shared.pids[:3]] == [10 * weight for weight in WEIGHTS]
    for start in range(len(pids) - CYCLE + 1):  # wherever one begins to count, over every seam
        window = Counter(pids[start : start + CYCLE])
        assert [window[pid] for pid in shared.pids[:3]] == list(WEIGHTS), start
    assert max(len(list(run)) for _, run in itertools.groupby(pids)) <= 3


@pytest.mark.parametrize("mode", MODES)
def test_random_follows_the_weights(shared: Shared, mode: str) -> None:
    pids = ask_in_turn(shared.address(mode, "random", "weighted"), 700)
    counts = show(f"{mode} random 5:1:1", Counter(pids), shared)
    # Six standard deviations: once in 500 million runs.
    assert abs(counts[0] - 500) < 6 * (700 * 5 / 7 * 2 / 7) ** 0.5
    assert all(abs(count - 100) < 6 * (700 * 1 / 7 * 6 / 7) ** 0.5 for count in counts[1:3])
    assert longest_run(pids, shared.pids[0]) > 3, "as smooth as round-robin"


@pytest.mark.parametrize("mode", MODES)
def test_two_choices_one_at_a_time_follows_the_weights(shared: Shared, mode: str) -> None:
    """Without load there is no difference to see between two candidates: only the weights decide, the heavier gains."""
    pids = ask_in_turn(shared.address(mode, "two-choices", "weighted"), 280)
    counts = show(f"{mode} two-choices 5:1:1", Counter(pids), shared)
    assert counts[0] > 120
    assert all(count > 4 for count in counts[1:3])


def longest_run(pids: list[int], pid: int) -> int:
    return max((len(list(run)) for value, run in itertools.groupby(pids) if value == pid), default=0)
