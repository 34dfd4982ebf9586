from __future__ import annotations

import pytest

from proxy.core.policy.fields import FieldPolicy, comparable

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\nX-User: eve\r\nAccept: */*\r\nx_user: mallory\r\nCookie: a=b\r\n"
VALUES = {b"client": b"192.0.2.1", b"host": b"a", b"proto": b"http", b"request_id": b"0f"}


def test_a_field_that_is_set_takes_the_place_of_all_of_its_name() -> None:
    policy = FieldPolicy([{"X-User": "anonymous"}])
    assert policy.apply(HEAD) == (b"GET / HTTP/1.1\r\nHost: a\r\nX-User: anonymous\r\nAccept: */*\r\nCookie: a=b\r\n")


def test_a_new_field_comes_last_and_a_removed_one_goes() -> None:
    policy = FieldPolicy([{"X-Env": "test", "cookie": None, "X-Gone": None}])
    assert policy.apply(HEAD) == (
        b"GET / HTTP/1.1\r\nHost: a\r\nX-User: eve\r\nAccept: */*\r\nx_user: mallory\r\nX-Env: test\r\n"
    )


def test_host_keeps_its_place_at_the_top() -> None:
    assert FieldPolicy([{"host": "b:81"}]).apply(HEAD).startswith(b"GET / HTTP/1.1\r\nhost: b:81\r\nX-User: ")


def test_later_wishes_win() -> None:
    policy = FieldPolicy([{"A": "1", "B": "1", "C": None}, {"a": "2", "b": None, "c": "2"}])
    assert policy.apply(b"HTTP/1.1 200 OK\r\n") == b"HTTP/1.1 200 OK\r\na: 2\r\nc: 2\r\n"


def test_nothing_wanted_changes_nothing() -> None:
    policy = FieldPolicy([{}, {}])
    assert not policy
    assert policy.apply(HEAD) == HEAD
    assert policy.late == b""


def test_the_host_is_filled_in_at_once() -> None:
    policy = FieldPolicy([{"X-Asked": "http://{host}/", "X-User": "at {host}"}])
    assert policy.late == b""
    applied = policy.apply(HEAD, b"a:80")
    assert b"\r\nX-Asked: http://a:80/\r\n" in applied
    assert b"\r\nX-User: at a:80\r\n" in applied


def test_what_a_head_does_not_tell_is_left_for_later_and_cannot_be_claimed() -> None:
    policy = FieldPolicy([{"X-User": "{client} 100% {proto}", "X-Id": "{request_id}-{host}"}])
    assert b"ser" not in policy.apply(HEAD)
    assert policy.late % VALUES == b"X-User: 192.0.2.1 100% http\r\nX-Id: 0f-a\r\n"


def test_a_later_wish_takes_a_placeholder_back() -> None:
    assert FieldPolicy([{"X-A": "{client}"}, {"x-a": None}]).late == b""


def test_other_braces_are_the_values_own() -> None:
    policy = FieldPolicy([{"X-Json": '{"a": {}}', "X-Late": '{"{client}"}'}])
    assert policy.apply(b"GET / HTTP/1.1\r\n") == b'GET / HTTP/1.1\r\nX-Json: {"a": {}}\r\n'
    assert policy.late % VALUES == b'X-Late: {"192.0.2.1"}\r\n'


@pytest.mark.parametrize("name", [b"X-User", b"x_user", b"X_USER", b"x-user"])
def test_names_that_are_one_to_a_backend(name: bytes) -> None:
    assert comparable(name) == b"x-user"
