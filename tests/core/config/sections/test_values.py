from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config.sections import values


def parse(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value)


def fault(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        parse(kind, value)
    return str(caught.value.errors()[0]["ctx"]["error"])


@pytest.mark.parametrize("host", ["api.example.com", "*.example.com", "localhost", "10.0.0.1", "[::1]", "a_b.example"])
def test_hosts(host: str) -> None:
    assert parse(values.HostPattern, host) == host


def test_hosts_have_no_case() -> None:
    assert parse(values.HostPattern, "API.Example.com") == "api.example.com"


def test_what_is_no_host() -> None:
    assert fault(values.HostPattern, "*") == '"*" is not needed: leave host out to match every host'
    assert fault(values.HostPattern, "a.com:80") == '"a.com:80": write the host only, without a port'
    for host in ["", "a b", "a..b", "*.*.com", "a.*", "http://a.com", "für.de", ".com"]:
        assert fault(values.HostPattern, host).endswith('write one like "api.example.com" or "*.example.com"')


@pytest.mark.parametrize("path", ["/", "/v1/", "/a%20b", "/~x;y=1"])
def test_paths(path: str) -> None:
    assert parse(values.PathPrefix, path) == parse(values.RequestPath, path) == path


def test_what_is_no_path() -> None:
    assert fault(values.RequestPath, "healthz") == '"healthz" does not begin with "/": write "/healthz"'
    assert "only ASCII; write others percent-encoded, like %20" in fault(values.RequestPath, "/a b")
    assert "only ASCII" in fault(values.PathPrefix, "/ä")


def test_a_query_is_for_probes_only() -> None:
    assert parse(values.RequestPath, "/health?deep=1") == "/health?deep=1"
    assert fault(values.PathPrefix, "/a?b") == '"/a?b": routes look at the path only, leave out what follows "?" or "#"'
    assert "leave out" in fault(values.PathPrefix, "/a#b")


def test_upgrades() -> None:
    assert parse(values.Upgrade, "WebSocket") == "websocket"
    assert parse(values.Upgrade, "IRC/6.9") == "irc/6.9"
    assert fault(values.Upgrade, "a b") == '"a b" is not the name of a protocol: write one like "websocket"'


@pytest.mark.parametrize("protocol", ["h2c", "H2C", "h2c-14", "h2", "HTTP/2.0"])
def test_http_2_cannot_be_upgraded_to(protocol: str) -> None:
    assert fault(values.Upgrade, protocol).startswith(
        f'"{protocol.lower()}" is never passed on: HTTP/2 behind an upgrade'
    )


@pytest.mark.parametrize(("text", "mode"), [("0660", 0o660), ("660", 0o660), ("0000", 0), ("777", 0o777)])
def test_unix_modes(text: str, mode: int) -> None:
    assert parse(values.UnixMode, text) == mode


@pytest.mark.parametrize("value", [0o660, "0o660", "888", "1777", "", "66", True])
def test_what_is_no_unix_mode(value: object) -> None:
    assert fault(values.UnixMode, value).endswith('is not a file mode: write octal digits in quotes, like "0660"')


def test_workers() -> None:
    assert [parse(values.Workers, value) for value in (1, 2, 256, "auto")] == [1, 2, 256, values.AUTO]
    for value in [0, -1, 257, "2", True, 1.0, "all", []]:
        assert "is not a number of workers" in fault(values.Workers, value)


def test_addresses() -> None:
    assert parse(values.Address, "[::1]:80") == TcpAddress("::1", 80)
    assert parse(values.Addresses, "unix:@a") == (UnixAddress("@a"),)
    assert parse(values.Addresses, ["unix:/a", "a:1"]) == (UnixAddress("/a"), TcpAddress("a", 1))
    assert fault(values.Addresses, 8080).startswith("8080 is not an address: write text like")
    assert fault(values.Addresses, [{}]).startswith("a table is not an address")


def test_commands() -> None:
    assert parse(values.Command, "a 'b c' \"{d}\"") == ("a", "b c", "{d}")
    assert parse(values.Command, ["a", "b c"]) == ("a", "b c")
    assert parse(values.Command, "") == parse(values.Command, []) == ()
    assert fault(values.Command, "a 'b") == "this command cannot be split into words: a quote in it is not closed"


def test_tables_learn_their_names() -> None:
    assert values.name_tables({"a": {"x": 1}, "b": 2}) == {"a": {"name": "a", "x": 1}, "b": 2}
    assert values.name_tables(3) == 3
    assert fault(values.OwnName, "a") == "the name comes from the table's header: remove this line"
    assert type(parse(values.OwnName, values.TableName("a"))) is str
