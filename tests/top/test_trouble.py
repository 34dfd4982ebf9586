"""What is trouble, what is none, and the verdict over all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.top.trouble import Trouble, troubles, verdict

if TYPE_CHECKING:
    from proxy.core.statistics import BackendCondition, Statistics
    from tests.top.conftest import Heard


def test_backends_members_and_workers(heard: Heard) -> None:
    hung = replace(heard.last.workers[1], state="hung")
    assert troubles(replace(heard.last, workers=(heard.last.workers[0], hung))) == [
        Trouble("stuck", "app 127.0.0.1:9103", "member 4, pid 41304"),
        Trouble("ejected", "app 127.0.0.1:9104", "5 answers in a row were 502; back in 24 s, third time, for 1min"),
        Trouble("unhealthy", "api 10.0.0.23:9200", "health check: connection refused, 3 times, for 5min"),
        Trouble("starting", "reports reports-4.internal:8443", "started 2 s ago, not listening yet, for 32s"),
        Trouble("hung", "worker 2", "pid 41272, for 1min"),
    ]


def test_the_verdict(heard: Heard) -> None:
    assert verdict(heard.last).plain == "■ 8 of 13 backends take work"
    assert verdict(all_in(heard.last, "ready")).plain == "■ 13 of 13 backends take work"
    assert verdict(all_in(heard.last, "unhealthy")).plain == "▲ nothing serves app, api, reports, postgres"


def test_what_an_operator_asked_for_is_no_trouble(heard: Heard) -> None:
    pool = heard.last.pools[2]
    kept = tuple(one for one in pool.backends if one.state != "starting")
    assert verdict(replace(heard.last, pools=(replace(pool, backends=kept),))).plain.startswith("● 1 of 3")


def all_in(statistics: Statistics, condition: BackendCondition) -> Statistics:
    pools = (
        replace(pool, backends=tuple(replace(one, state=condition) for one in pool.backends))
        for pool in statistics.pools
    )
    return replace(statistics, pools=tuple(pools))
