import pytest

from proxy.core.config import check_text

START = '[frontends.web]\nlisten = "127.0.0.1:80"\npool = "app"\n[pools.app]\nbackends = ["127.0.0.1:9001"]\n'


def problems(text: str) -> list[tuple[int, int, str]]:
    return [(p.line, p.column, p.message) for p in check_text(START + text, "lb.toml").problems]


def test_it_is_on_unless_it_is_turned_off() -> None:
    ejection = check_text(START, "lb.toml").unwrap().pools["app"].ejection
    assert (ejection.connect_failures, ejection.failures, ejection.max_percent) == (3, 5, 50)
    assert problems("[pools.app.ejection]\nconnect_failures = 0\nfailures = 0\n") == []


def test_the_first_time_is_not_longer_than_the_longest() -> None:
    message = '"first_time" is longer than "longest_time", which is 5m'
    assert problems('[pools.app.ejection]\nfirst_time = "10m"\n') == [(7, 14, message)]
    assert problems('[pools.app.ejection]\nfirst_time = "10m"\nlongest_time = "10m"\n') == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("max_percent = 101", '"max_percent" must be at most 100, not 101'),
        ("failures = -1", '"failures" must be at least 0, not -1'),
        ('first_time = "0s"', '"0s" is too short: a duration must be longer than 0'),
    ],
)
def test_values(line: str, message: str) -> None:
    assert [problem[2] for problem in problems(f"[pools.app.ejection]\n{line}\n")] == [message]


def test_what_happens_when_all_are_down() -> None:
    message = '"retry" is not a value of "when_all_down": it takes "try" or "refuse"; did you mean "try"?'
    assert [f"{p[2]}; {h}" for p, h in zip(problems('when_all_down = "retry"'), [hint()], strict=True)] == [message]


def hint() -> str:
    return check_text(START + 'when_all_down = "retry"', "lb.toml").problems[0].hint
