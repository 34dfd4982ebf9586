"""Which failed try is followed by another one: every row of the table, and what nothing may lead to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.retry import (
    BAD_RESPONSE,
    CLOSED,
    CONNECT,
    HEAD_TIMEOUT,
    NON_IDEMPOTENT,
    RESET,
    UNHEALTHY,
    Again,
    BacklogWait,
    FailedTry,
    RetryPolicy,
)

DEFAULT = (CONNECT, CLOSED, RESET)
EVERYTHING = (*DEFAULT, UNHEALTHY, HEAD_TIMEOUT, BAD_RESPONSE, "429", "500", "502", "503", "504", NON_IDEMPOTENT)
SENT = (CLOSED, RESET, UNHEALTHY, HEAD_TIMEOUT, BAD_RESPONSE, "503")


def decide(policy: RetryPolicy, failure: str, *, has_budget: bool = True, **known: object) -> Again:
    return policy.decide(FailedTry(failure=failure, **known), has_budget=has_budget)  # type: ignore[arg-type]


@pytest.mark.parametrize("is_idempotent", [True, False])
def test_a_failed_connect_is_tried_elsewhere_whatever_the_method(is_idempotent: bool) -> None:
    policy = RetryPolicy(3, ())
    for retries in range(3):
        again = decide(policy, CONNECT, is_unsent=True, is_idempotent=is_idempotent, retries=retries, has_budget=False)
        assert again is Again.ELSEWHERE
    assert decide(policy, CONNECT, is_unsent=True, retries=3) is Again.NO


@pytest.mark.parametrize("failure", [CLOSED, RESET, BAD_RESPONSE])
def test_an_idle_connection_that_was_stale_is_no_failure_of_the_backend(failure: str) -> None:
    policy = RetryPolicy(0, ())
    assert decide(policy, failure, is_stale=True, has_budget=False) is Again.HERE
    assert decide(policy, failure, is_stale=True, is_idempotent=False) is Again.NO
    assert decide(policy, failure, is_stale=True, is_whole=False) is Again.NO
    assert decide(policy, failure, is_stale=True, is_idempotent=False, is_unsent=True) is Again.HERE


@pytest.mark.parametrize("failure", SENT)
def test_what_was_sent_is_sent_again_only_if_listed(failure: str) -> None:
    where = Again.ANYWHERE if failure in (CLOSED, RESET) else Again.ELSEWHERE
    assert decide(RetryPolicy(3, ()), failure) is Again.NO
    assert decide(RetryPolicy(3, (failure,)), failure) is where
    assert decide(RetryPolicy(0, (failure,)), failure) is Again.NO
    assert decide(RetryPolicy(3, (failure,)), failure, has_budget=False) is Again.NO
    assert decide(RetryPolicy(3, (failure,)), failure, is_idempotent=False) is Again.NO
    assert decide(RetryPolicy(3, (failure, NON_IDEMPOTENT)), failure, is_idempotent=False) is where


def test_a_request_that_was_lost_is_sent_once_more_and_not_a_third_time() -> None:
    policy = RetryPolicy(3, EVERYTHING)
    assert decide(policy, CLOSED, retries=1, losses=1) is Again.NO
    assert decide(policy, "503", retries=1, losses=1) is Again.ELSEWHERE  # an answer is no loss
    assert decide(policy, CONNECT, is_unsent=True, retries=1, losses=1) is Again.ELSEWHERE


failed_tries = st.builds(
    FailedTry,
    failure=st.sampled_from((CONNECT, *SENT)),
    is_unsent=st.booleans(),
    is_stale=st.booleans(),
    is_idempotent=st.booleans(),
    is_whole=st.booleans(),
    retries=st.integers(0, 5),
    losses=st.integers(0, 2),
).map(lambda t: FailedTry(failure=CONNECT, is_unsent=True, retries=t.retries) if t.failure == CONNECT else t)
policies = st.builds(RetryPolicy, st.integers(0, 5), st.sets(st.sampled_from(EVERYTHING)))


@given(policies, failed_tries, st.booleans())
def test_never_twice_what_may_be_done_once_only(policy: RetryPolicy, failed: FailedTry, has_budget: bool) -> None:
    again = policy.decide(failed, has_budget=has_budget)
    if again is not Again.NO and not failed.is_unsent:
        assert failed.is_whole
        assert failed.is_idempotent or policy.repeats_all
        assert has_budget or again is Again.HERE


@given(policies, failed_tries, st.booleans())
def test_less_is_never_allowed_more(policy: RetryPolicy, failed: FailedTry, has_budget: bool) -> None:
    """One more try, a loss more, no budget: none of them makes possible what was not."""
    if policy.decide(failed, has_budget=has_budget) is Again.NO:
        worse = FailedTry(
            failure=failed.failure, is_unsent=failed.is_unsent, is_stale=failed.is_stale,
            is_idempotent=failed.is_idempotent, is_whole=failed.is_whole,
            retries=failed.retries + 1, losses=failed.losses + 1,
        )  # fmt: skip
        assert policy.decide(worse, has_budget=False) is Again.NO


@given(policies, st.lists(st.sampled_from((CONNECT, *SENT)), min_size=20, max_size=20))
def test_tries_come_to_an_end(policy: RetryPolicy, failures: list[str]) -> None:
    """Whatever fails one after the other: over new connections there are at most `retries` tries, and two losses."""
    retries = losses = 0
    for failure in failures:
        failed = FailedTry(failure=failure, is_unsent=failure == CONNECT, retries=retries, losses=losses)
        if policy.decide(failed, has_budget=True) is Again.NO:
            break
        retries += 1
        losses += failure in (CLOSED, RESET, HEAD_TIMEOUT, BAD_RESPONSE)
    assert retries <= 5
    assert losses <= 1


@given(st.integers(0, 100), st.integers(0, 10), st.integers(0, 10_000))
def test_budget_is_a_share_or_the_least_number(percent: int, at_least: int, running: int) -> None:
    policy = RetryPolicy(3, EVERYTHING, percent, at_least)
    allowed = 0
    while policy.has_budget(running=running, repeating=allowed):
        allowed += 1
    assert allowed == max(at_least, running * percent // 100)


def test_statuses_are_numbers() -> None:
    assert RetryPolicy(3, EVERYTHING).statuses == {429, 500, 502, 503, 504}
    assert RetryPolicy(3, DEFAULT).statuses == frozenset()


def test_a_full_backlog_is_waited_for_as_long_as_a_connect() -> None:
    wait = BacklogWait()
    times = [100.0 + 0.1 * tick for tick in range(50)]
    assert [now for now in times if wait.may_go_on(now, 1.0)] == times[:10]
