"""Peak figures by real wrk and h2load, and our closed loop beside them and hey on the same target."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from proxy.lab.load import peak as peak_module
from proxy.lab.load.generate import generate
from proxy.lab.load.peak import NoPeak, Peak, command, peak, program_for, read
from proxy.lab.load.spec import LoadSpec
from tests.clients.support import program, run, short_directory
from tests.processes import free_port, start_backend

if TYPE_CHECKING:
    from tests.conftest import Figures

WRK = b"""Running 1s test @ http://127.0.0.1:1/
  100 requests in 1.00s, 1.00MB read
  Socket errors: connect 0, read 2, write 0, timeout 1
  Non-2xx or 3xx responses: 7
Requests/sec:   9466.71
Transfer/sec:      1.55MB
"""
H2LOAD = b"""finished in 1.01s, 17255.00 req/s, 2.83MB/s
requests: 17255 total, 17263 started, 17255 done, 17250 succeeded, 5 failed, 0 errored, 0 timeout
status codes: 17250 2xx, 0 3xx, 3 4xx, 2 5xx
"""


def test_what_they_tell_is_read() -> None:
    assert read("wrk", WRK) == Peak("wrk", 9466.71, 10)
    assert read("h2load", H2LOAD).requests_per_second == 17255
    with pytest.raises(NoPeak, match="no rate: unable to connect"):
        read("wrk", b"unable to connect to 127.0.0.1:1\n")


def test_how_they_are_called() -> None:
    assert command("wrk", "127.0.0.1:80", "/a", 4, 1.2) == ["wrk", "-t1", "-c4", "-d2", "http://127.0.0.1:80/a"]
    assert command("h2load", "unix:/run/s", "/", 4, 1)[-3:] == ["-B", "unix:/run/s", "http://localhost/"]


def test_without_them_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peak_module.shutil, "which", lambda name: None)
    with pytest.raises(NoPeak, match="apt-get install wrk"):
        program_for("127.0.0.1:80")
    with pytest.raises(NoPeak, match="apt-get install nghttp2-client"):
        program_for("unix:/run/s")


@pytest.mark.slow
async def test_a_peak_over_a_unix_socket() -> None:
    program("h2load", "nghttp2-client")
    with short_directory() as directory, start_backend("hello", listen=f"unix:{directory}/s") as backend:
        found = await peak(backend.address, connections=4, seconds=1)
    assert found.program == "h2load"
    assert found.requests_per_second > 10
    assert found.errors == 0


@pytest.mark.slow
async def test_a_target_that_is_not_there_has_no_peak() -> None:
    program("wrk")
    with pytest.raises(NoPeak):
        await peak(f"127.0.0.1:{free_port()}", seconds=1)


@pytest.mark.soak  # a capacity on a machine that does other things as well is none
async def test_our_capacity_beside_wrk_and_hey(figures: Figures) -> None:
    """Each is a closed loop of 16 connections, in turn, and the best of two counts. On two processors the target has
    one, so that whoever can keep it busy finds the same; what we find less has to be in what we used ourselves."""
    hey = program("hey")
    program("wrk")
    rates: dict[str, list[float]] = {"wrk": [], "hey": [], "ours": []}
    shares = []
    with start_backend("hello", "--size", "100") as backend:
        for _ in range(2):
            rates["wrk"].append((await peak(backend.address, connections=16, seconds=1)).requests_per_second)
            told = run(hey, "-z", "1s", "-c", "16", f"http://{backend.address}/").stdout
            found = re.search(rb"Requests/sec:\s*([0-9.]+)", told)
            assert found
            rates["hey"].append(float(found[1]))
            result = await generate(LoadSpec(backend.address, "closed", connections=16, seconds=1, warm_up=0.2))
            assert result.errors == {}
            rates["ours"].append(result.completed / result.seconds)
            shares.append(result.cpu_share)
    best = {name: max(found) for name, found in rates.items()}
    figures(
        f"capacity of the same target: wrk {best['wrk']:,.0f}, hey {best['hey']:,.0f}, "
        f"ours {best['ours']:,.0f} requests/s with {max(shares):.0%} of a processor"
    )
    assert best["ours"] > 0.3 * best["wrk"]  # twice as slow is told as such by its CPU share; more is a defect
