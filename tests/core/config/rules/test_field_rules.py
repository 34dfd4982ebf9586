from __future__ import annotations

import pytest

from proxy.core.config import check_text

WEB = '[frontends.web]\nlisten = "127.0.0.1:80"\npool = "app"\n'
APP = '[pools.app]\nbackends = ["127.0.0.1:1"]\n'


def problems(line: str) -> list[tuple[int, str, str]]:
    """Column, message and hint of what is wrong with a line of the frontend."""
    found = check_text(f"{WEB}{line}\n{APP}", "lb.toml").problems
    assert {problem.line for problem in found} <= {4}
    return [(problem.column, problem.message, problem.hint) for problem in found]


def set_to(name: str, value: str, kind: str = "request") -> list[tuple[int, str, str]]:
    return problems(f"set_{kind}_headers = {{ '{name}' = '{value}' }}")


@pytest.mark.parametrize("kind", ["request", "response"])
@pytest.mark.parametrize(
    "name",
    ["Content-Length", "transfer-encoding", "Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "content_length"],
)
def test_what_frames_a_message_is_no_policy(name: str, kind: str) -> None:
    message = f"{name} cannot be set or removed: it says where a message ends, or concerns one connection only"
    assert [found[1] for found in set_to(name, "x", kind)] == [message]
    assert [found[1] for found in problems(f'remove_{kind}_headers = ["{name}"]')] == [message]


@pytest.mark.parametrize(
    "name", ["X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host", "Forwarded", "X_Forwarded_For"]
)
def test_what_rproxy_states_itself(name: str) -> None:
    hint = "for another name see {client} and {proto}"
    assert set_to(name, "x") == [(25, f"{name} cannot be set or removed: rproxy states it itself", hint)]
    assert set_to(name, "x", "response") == []


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ä", "a\tb"])
def test_names(name: str) -> None:
    ((_, message, _),) = set_to(name, "x")
    assert message == f'"{name}" is not the name of a field: letters, digits and - make one'


@pytest.mark.parametrize("value", ["a\\nb", "a\\rb", "a\\u0000b", " a", "a ", "\\ta", "ä", "\\u007f"])
def test_values(value: str) -> None:
    ((column, message, _),) = problems(f'set_response_headers.A = "{value}"')
    assert (column, message) == (26, "the value of a field is printable ASCII on one line, without blanks around it")


def test_an_empty_value_is_no_removal() -> None:
    assert set_to("A", "") == [(31, "A is set to nothing", "to remove it put its name into remove_request_headers")]


def test_a_name_is_decided_once() -> None:
    message = "x_a is decided twice, here and as X-A: case, - and _ make no difference"
    assert problems('set_request_headers = { X-A = "1", x_a = "2" }') == [(36, message, "keep one of them")]
    text = 'remove_request_headers = ["x_a"]\nset_request_headers = { X-A = "1" }'
    (found,) = check_text(f"{WEB}{text}\n{APP}", "lb.toml").problems
    assert (found.line, found.column, found.message) == (4, 27, message)


def test_placeholders() -> None:
    assert set_to("A", "{client} {host} {proto} {request_id} {}") == []
    assert set_to("A", "{clint}") == [(31, "{clint} is not a placeholder", 'did you mean "client"?')]
    hint = "known here: client, host, proto, request_id"
    assert set_to("A", "{cookie}") == [(31, "{cookie} is not a placeholder", hint)]
    message = "placeholders are filled in for requests only"
    assert set_to("A", "{client}", "response") == [(32, message, "write the value itself")]
    assert set_to("A", '{"group": {"x": 1}} {other}', "response") == []


@pytest.mark.parametrize("value", ["app.test", "app.test:8080", "[::1]:80", "{host}", "{host}:81"])
def test_host_may_be_set(value: str) -> None:
    assert set_to("Host", value) == []


@pytest.mark.parametrize("value", ["a b", "a/b", "http://a", "a:b", "{client}", "{host}.test"])
def test_host_is_a_host(value: str) -> None:
    assert [found[1] for found in set_to("host", value)] == [f'"{value}" is not a host name with an optional port']


def test_host_is_never_removed() -> None:
    ((column, message, hint),) = problems('remove_request_headers = ["A", "Host"]')
    assert (column, message) == (32, "Host cannot be removed: no request is without it")
    assert hint == "set it to another value"
    assert problems('remove_response_headers = ["Via", "Server", "Date"]') == []
