"""The cases of the Autobahn test suite, run by kosoku against a WebSocket server: through rproxy as without it.

What the server does right or wrong is not our concern; that the client cannot tell the difference is.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.support import module, running
from tests.processes import free_port, wait_listening

if TYPE_CHECKING:
    from tests.conftest import Figures

# kosoku leaves the files that it reads to the garbage collection.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]

CONFIG = """
[frontends.web]
listen = "127.0.0.1:0"
pool = "app"

[[pools.app.backends]]
address = "127.0.0.1:{port}"
command = "python -m tests.clients.websocket_echo {{address}}"
"""
# Framing, pings, fragments, UTF-8, closing, and some of the large messages and of the compressed ones. The other 240
# are more of the last two: they take minutes, most of it in the server.
BRIEF = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.1.*", "9.2.*", "9.5.*", "10.*"]
BRIEF += [f"{group}.{size}" for group in ("12.1", "12.2", "12.3", "13.1", "13.4", "13.7") for size in (1, 2)]
LONG = 900.0  # seconds for one run of all cases
AGAIN = 4

# The suite passes both: where a server may answer before it fails the connection, it need not. Which one is seen
# depends on whether both frames came in one read, and so on who wrote them to the socket.
PASSES = {"NON-STRICT": "OK"}

Outcome = tuple[str, str, bool, Any]


def run_cases(address: str, cases: list[str] | None, seconds: float, *, at_once: int) -> dict[str, Outcome]:
    """By case: the verdicts on messages and on the close, who closed, and the code."""
    from kosoku import FailureError, run_fuzzingclient

    async def run() -> list[Any]:
        try:
            return await asyncio.wait_for(run_fuzzingclient(f"ws://{address}", cases, concurrency=at_once), seconds)
        except FailureError as error:
            return list(error.results)

    return {
        result.case_id: (
            PASSES.get(result.behavior.value, result.behavior.value),
            PASSES.get(result.behavior_close.value, result.behavior_close.value),
            result.closed_by_me,
            result.remote_close_code,
        )
        for result in asyncio.run(run())
    }


def compare(cases: list[str] | None, seconds: float, figures: Figures) -> None:
    """Some cases have two good outcomes, by what the client reads first, or deadlines that a busy machine misses. So
    what differs is run again, one at a time, until everything that was seen through rproxy was seen without it too."""
    module("kosoku")
    port = free_port()
    with running(CONFIG.format(port=port)) as rproxy:
        wait_listening(f"127.0.0.1:{port}")
        start = time.monotonic()
        direct = run_cases(f"127.0.0.1:{port}", cases, seconds, at_once=4)
        between = time.monotonic()
        proxied = run_cases(rproxy.address, cases, seconds, at_once=4)
        end = time.monotonic()
        seen = {case: {outcome} for case, outcome in direct.items()}
        differing = [case for case in direct if proxied[case] not in seen[case]]
        for _ in range(AGAIN):
            if differing:
                for case, outcome in run_cases(f"127.0.0.1:{port}", differing, seconds, at_once=1).items():
                    seen[case].add(outcome)
                proxied |= run_cases(rproxy.address, differing, seconds, at_once=1)
                differing = [case for case in differing if proxied[case] not in seen[case]]
    figures(
        f"autobahn: {len(direct)} cases, {sum(outcome[0] == 'OK' for outcome in direct.values())} OK"
        f" ({between - start:.1f} s direct, {end - between:.1f} s through rproxy)"
    )
    assert {case: {proxied[case]} for case in differing} == {case: seen[case] for case in differing}
    assert proxied.keys() == direct.keys()
    assert sum(outcome[0] in ("OK", "INFORMATIONAL") for outcome in direct.values()) > 0.8 * len(direct)


def test_they_pass_as_they_pass_direct(figures: Figures) -> None:
    compare(BRIEF, 120.0, figures)


@pytest.mark.soak
def test_all_of_them(figures: Figures) -> None:
    compare(None, LONG, figures)
