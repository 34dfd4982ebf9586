"""The sentences whose shape is worth a look; test_verdict.py has them in their places."""

from __future__ import annotations

from dataclasses import replace

from proxy.lab.analysis import sentences
from proxy.lab.analysis.ranking import rank
from proxy.lab.analysis.summary import Summary, Way
from tests.lab.report.comparisons import compared, load, measured, result


def test_a_reason_has_its_numbers() -> None:
    summary = Summary(compared())
    ranking = rank(summary)
    text = sentences.reason(summary, ranking.outcomes[1], ranking.order[0])
    assert text == (
        "proxy-tcp (least-connections) loses 0 of 600 requests when workers die or are restarted; "
        "prefork (epoll) 30 of 630 requests, reuseport (supervised) 31 of 631 requests, "
        "direct all (one process cannot be replaced without a gap). Of prefork (epoll) in all repetitions: "
        "90 reset, on connections that the dead worker held or had not accepted yet."
    )


def test_an_interval_is_told_and_those_beyond_three_are_counted() -> None:
    slow = [one for number in range(5) for one in measured(f"slow-{number}", "", 0.01 + number / 100, 0, 9000.0)]
    summary = Summary(compared(*slow))
    ranking = rank(summary)
    text = sentences.reason(summary, ranking.outcomes[-1], ranking.order[0])
    assert text.startswith(
        "proxy-tcp (least-connections) answers 99 % of the requests within 8 ms (7.99 ms to 8.21 ms); slow-0 40.2 ms ("
    )
    assert text.endswith(" and 2 more.")


def test_what_is_not_known_of_the_one_to_deploy_is_said_so() -> None:
    late = load(0.01, 1, why_invalid="the generator was late")
    results = (
        result("latency", "a", of=late, p99=0.01),
        result("latency", "b", p99=0.01),
        result("latency", "c", p99=0.05),
    )
    summary = Summary(replace(compared(), results=results))
    ranking = rank(summary)
    assert sentences.reason(summary, ranking.outcomes[0], ranking.order[0]) == (
        "Clearly worse than the best in p99, while that of a is not known: c 50 ms."
    )


def test_the_runner_up_is_told_with_what_it_is_behind_in() -> None:
    summary = Summary(compared())
    ranking = rank(summary)
    text = sentences.runner_up(summary, ranking, ranking.order[1])
    assert text == "prefork (epoll): behind in failed requests, 30 of 630 requests against 0 of 600 requests."


def test_few_repetitions() -> None:
    assert sentences.few_repetitions(1, 5)[0].startswith("One run of each")
    assert sentences.few_repetitions(3, 5)[0].startswith("3 runs of each: an interval is right in 75 of 100 cases")
    assert sentences.few_repetitions(5, 5) == []


def test_given_up() -> None:
    text = sentences.given_up([Way("direct", ""), Way("systemd", "defaults")])
    assert text.startswith("A worker that dies again and again is not started any more")
    assert text.endswith(": direct, systemd (defaults).")


def test_jobs() -> None:
    summary = Summary(compared(result("jobs", "socat-loop", "blind", lost=95.0)))
    lost = summary.estimate(Way("socat-loop", "blind"), "jobs", "lost")
    assert lost is not None
    text = sentences.jobs([(Way("socat-loop", "blind"), lost)])
    assert text == "Jobs that were sent and taken by nobody: socat-loop (blind) 95."
