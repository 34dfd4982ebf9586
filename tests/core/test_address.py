from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.address import UNIX_PATH_MAX, AddressError, TcpAddress, UnixAddress, is_local, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9001", TcpAddress("127.0.0.1", 9001)),
        ("0.0.0.0:0", TcpAddress("0.0.0.0", 0)),
        ("[::1]:80", TcpAddress("::1", 80)),
        ("[::]:65535", TcpAddress("::", 65535)),
        ("localhost:80", TcpAddress("localhost", 80)),
        ("a-b.example.com.:80", TcpAddress("a-b.example.com.", 80)),
        ("unix:/run/app.sock", UnixAddress("/run/app.sock")),
        ("unix:@abstract", UnixAddress("@abstract")),
    ],
)
def test_address_is_read_and_written_the_same(text: str, address: TcpAddress | UnixAddress) -> None:
    assert parse_address(text) == address
    assert str(address) == text


def test_ipv6_is_written_in_its_short_form() -> None:
    assert str(parse_address("[0:0:0:0:0:0:0:1]:80")) == "[::1]:80"


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("127.0.0.1:80", True),
        ("127.8.8.8:80", True),
        ("[::1]:80", True),
        ("localhost:80", True),
        ("unix:/a", True),
        ("0.0.0.0:80", False),
        ("10.0.0.1:80", False),
        ("example.com:80", False),
    ],
)
def test_whether_only_this_machine_can_connect(text: str, local: bool) -> None:
    assert is_local(parse_address(text)) is local


def test_unix_sockaddr_is_what_the_kernel_takes() -> None:
    assert UnixAddress("@name").sockaddr == "\0name"
    assert UnixAddress("@name").is_abstract
    assert UnixAddress("/a").sockaddr == "/a"
    assert not UnixAddress("/a").is_abstract


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no port"),
        ("localhost", "no port"),
        ("/run/app.sock", "written unix:/run/app.sock"),
        ("@name", "written unix:@name"),
        ("./app.sock", "written unix:"),
        ("unix:", "empty"),
        ("unix:@", "empty"),
        ("unix:app.sock", "absolute"),
        ("unix:/a\0b", "NUL"),
        (":80", "host is missing"),
        ("::1:80", "brackets"),
        ("[::g]:80", "not an IPv6 address"),
        ("1.2.3:80", "not an IPv4 address"),
        ("256.1.1.1:80", "not an IPv4 address"),
        ("a_b:80", "not a host name"),
        ("-a:80", "not a host name"),
        ("a..b:80", "not a host name"),
        ("a:", "port"),
        ("a:x", "port"),
        ("a:-1", "port"),
        ("a:65536", "port"),
        ("a:\N{SUPERSCRIPT TWO}", "port"),
    ],
)
def test_fault_is_named(text: str, fault: str) -> None:
    with pytest.raises(AddressError, match=fault):
        parse_address(text)


def test_unix_path_is_bounded_in_bytes_not_characters() -> None:
    longest = "/" + "x" * (UNIX_PATH_MAX - 1)
    assert parse_address("unix:" + longest) == UnixAddress(longest)
    for path in (longest + "x", "/" + "\N{LATIN SMALL LETTER E WITH ACUTE}" * 54):
        with pytest.raises(AddressError, match="107 bytes"):
            parse_address("unix:" + path)


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_a_clear_error(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressError:
        return
    assert parse_address(str(address)) == address
