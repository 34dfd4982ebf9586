"""The rate of open loops: whose capacity it is chosen by, and how."""

from __future__ import annotations

from proxy.lab.compare.planning import Candidate
from proxy.lab.compare.rate import calibrators, choose_rate


def candidate(model: str, *, stands_for: bool = True, is_jobs: bool = False) -> Candidate:
    return Candidate(model, "", "jobs" if is_jobs else "http", stands_for)


def models(*candidates: Candidate) -> list[str]:
    return [one.model for one in calibrators(candidates)]


def test_a_proxy_and_a_queue_stand_for_many() -> None:
    several = map(candidate, ("direct", "prefork", "queue", "nginx", "proxy-tcp", "tuplespace"))
    assert models(*several, candidate("queue", stands_for=False)) == ["queue", "proxy-tcp"]


def test_of_others_a_few_are_measured_and_what_is_far_below_them_is_not() -> None:
    assert models(*map(candidate, ("direct", "systemd-accept", "a", "b", "c", "d"))) == ["a", "b", "c"]


def test_the_single_process_is_measured_where_there_is_nobody_else() -> None:
    assert models(candidate("direct"), candidate("socat-loop", is_jobs=True)) == ["direct"]


def test_half_of_the_least_capacity_in_two_digits() -> None:
    rate, why = choose_rate({"proxy-tcp": 4321.0, "queue": 1251.0})
    assert rate == 630.0
    assert why == "half of the least capacity of queue 1,251/s, proxy-tcp 4,321/s"


def test_no_more_than_the_generator_can_do_beside_what_it_measures() -> None:
    rate, why = choose_rate({"proxy-tcp": 50_000.0})
    assert rate == 2000.0
    assert why.startswith("what the generator can do at ease")


def test_what_could_not_be_measured_does_not_count() -> None:
    assert choose_rate({"proxy-tcp": 0.0, "queue": 10.0})[0] == 5.0
    rate, why = choose_rate({"proxy-tcp": 0.0})
    assert rate == 100.0
    assert "no capacity could be measured" in why
