import pytest

from proxy.core.config import HealthCheck, check_text

START = '[frontends.web]\nlisten = "127.0.0.1:80"\npool = "app"\n[pools.app]\nbackends = ["127.0.0.1:9001"]\n'
TABLE = "[pools.app.health_check]\n"


def problems(text: str, start: str = START) -> list[tuple[int, int, str, str]]:
    return [(p.line, p.column, p.message, p.hint) for p in check_text(start + TABLE + text, "lb.toml").problems]


def test_everything_said() -> None:
    text = """\
path = "/healthz"
method = "HEAD"
host = "app.test"
expect_status = [200, "300-399"]
tls = { ca = "ca.pem" }
interval = "5s"
fast_interval = "1s"
"""
    check = check_text(START + TABLE + text, "lb.toml").unwrap().pools["app"].health_check
    assert check is not None
    assert [check.is_expected(status) for status in (199, 200, 201, 300, 399, 400)] == [
        False, True, False, True, True, False,
    ]  # fmt: skip


def test_2xx_and_3xx_are_expected_of_whoever_says_nothing() -> None:
    check = HealthCheck()
    assert [check.is_expected(status) for status in (101, 200, 399, 404, 503)] == [False, True, True, False, False]


def test_some_status_is_expected() -> None:
    message = '"expect_status" is empty, so that no answer would be a good one'
    assert problems('path = "/"\nexpect_status = []') == [(8, 17, message, "")]


@pytest.mark.parametrize("text", ['"2xx"', "99", "600", '"399-200"', '"200-"', "true"])
def test_what_is_no_status(text: str) -> None:
    (problem,) = problems(f'path = "/"\nexpect_status = [{text}]\n')
    assert problem[:3] == (8, 18, f'{text} is not a status or a range of them: write one like 200 or "200-399"')


@pytest.mark.parametrize("method", ["get", "CONNECT", "GET /", ""])
def test_what_is_no_method(method: str) -> None:
    (problem,) = problems(f'path = "/"\nmethod = "{method}"\n')
    assert problem[2] == f'"{method}" is not a method that a probe can have: write one like "GET" or "HEAD"'


@pytest.mark.parametrize(
    "line", ['host = "app.test"', 'method = "HEAD"', "expect_status = [200]", 'expect_body = "ready"']
)
def test_without_a_path_nothing_is_answered(line: str) -> None:
    key = line.partition(" ")[0]
    message = f'"{key}" is about an answer over HTTP, and without "path" a connect is all that is asked for'
    assert problems(line) == [(7, len(key) + 4, message, "")]
    assert problems(f'path = "/"\n{line}') == []


def test_no_body_can_be_expected_of_head() -> None:
    message = "an answer to HEAD has no body, so that nothing can be expected in it"
    assert problems('path = "/"\nmethod = "HEAD"\nexpect_body = "x"') == [(9, 15, message, "")]


def test_an_empty_body_says_nothing() -> None:
    (problem,) = problems('path = "/"\nexpect_body = ""')
    assert problem[2] == "nothing is in every body: leave expect_body out, or write some text"


def test_in_trouble_probes_come_more_often() -> None:
    message = '"fast_interval" is longer than "interval": a backend in trouble would be probed less'
    assert problems('fast_interval = "3s"') == [(7, 17, message, "")]


def test_the_tls_of_probes_is_judged_as_that_of_a_pool() -> None:
    message = "unix:/run/app.sock has no host name that its certificate could be compared with"
    start = START.replace("127.0.0.1:9001", "unix:/run/app.sock")
    assert [problem[2] for problem in problems("tls = {}", start)] == [message]


def test_probes_of_a_pool_with_tls_do_as_it_does() -> None:
    message = "the pool speaks TLS itself, and its probes do as it does"
    start = START.replace("127.0.0.1:9001", "app.test:443") + "tls = {}\n"
    assert problems("tls = {}", start) == [(8, 1, message, "remove it here")]
