import pytest

from proxy.core.config import check_text
from proxy.core.config.sections.retries import DEFAULT_RETRY_ON

START = '[frontends.web]\nlisten = "127.0.0.1:80"\npool = "app"\n[pools.app]\nbackends = ["127.0.0.1:9001"]\n'
CHOICES = (
    'it takes "connect-failure", "closed", "reset", "unhealthy", "response-head-timeout", "bad-response", "429", '
    '"500", "502", "503", "504" or "non-idempotent"'
)


def problems(text: str) -> list[tuple[int, int, str, str]]:
    return [(p.line, p.column, p.message, p.hint) for p in check_text(START + text, "lb.toml").problems]


def test_words_and_numbers() -> None:
    checked = check_text(f'{START}retry_on = ["closed", "503", 504]\nretry_budget = {{ percent = 5 }}\n', "lb.toml")
    pool = checked.unwrap().pools["app"]
    assert pool.retry_on == ("closed", "503", "504")
    assert (pool.retry_budget.percent, pool.retry_budget.at_least) == (5, 100)


def test_defaults() -> None:
    assert check_text(START, "lb.toml").unwrap().pools["app"].retry_on == DEFAULT_RETRY_ON


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ('"close"', "closed"),
        ('"http_503"', "503"),
        ('"timeout"', "response-head-timeout"),
        ('"conn-failure"', "connect-failure"),
        ('"non_idempotent"', "non-idempotent"),
        ("5033", "503"),
    ],
)
def test_words_of_other_proxies(wrong: str, meant: str) -> None:
    shown = wrong if wrong.startswith('"') else f'"{wrong}"'
    message = f'{shown} is not a value of "retry_on": {CHOICES}'
    assert problems(f"retry_on = [{wrong}]\n") == [(6, 13, message, f'did you mean "{meant}"?')]


def test_text_is_no_list() -> None:
    assert problems('retry_on = "503"\n') == [(6, 12, '"retry_on" must be an array, not "503"', "")]


def test_a_budget_within_its_limits() -> None:
    assert problems("retry_budget = { percent = 101 }\n") == [(6, 28, '"percent" must be at most 100, not 101', "")]


def test_a_list_without_retries() -> None:
    assert problems('retries = 0\nretry_on = ["503"]\n') == [
        (7, 12, "nothing of this list is tried again: retries is 0", "")
    ]
    assert problems("retries = 0\nretry_on = []\n") == []
