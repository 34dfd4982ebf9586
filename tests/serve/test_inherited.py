"""Sockets that were there before us take the place of new ones; those that nobody wants are closed, with a word."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from proxy.core.address import Address, UnixAddress, parse_address
from proxy.core.config import Config, Frontend, ListenOptions, Respond
from proxy.engine.listener import bound_address, refuse_new
from proxy.serve.inherited import Inherited, offer
from proxy.serve.listeners import ListenError, Listeners
from tests.clients.support import short_directory
from tests.processes import connect, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.reload.inherit import Origin


def config(**listen: str) -> Config:
    """Frontends by name, each with its addresses in one text."""
    return Config(
        frontends={
            name: Frontend(
                name=name,
                listen=tuple(map(parse_address, addresses.split())),
                respond=Respond(status=200),
                socket=ListenOptions(backlog=7),
            )
            for name, addresses in listen.items()
        }
    )


def given(name: str, sock: socket.socket, origin: Origin, listen: Address | None = None) -> Inherited:
    sock.setblocking(False)
    return Inherited([(offer(name, sock, origin, listen), sock)])


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def address_of(sock: socket.socket) -> str:
    return str(bound_address(sock))


@pytest.mark.parametrize("origin", ["unit", "store", "upgrade"])
def test_an_inherited_socket_is_used_and_the_rest_is_bound(server: socket.socket, origin: Origin) -> None:
    both = config(web=f"{address_of(server)} 127.0.0.1:0")
    listeners = Listeners.bind(both, given("unknown", server, origin))
    first, second = listeners.bound
    assert first.sock is server
    assert second.sock is not server
    assert server.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert (server in listeners.shared, server in listeners.of_unit) == (origin != "upgrade", origin == "unit")
    listeners.close()


def test_a_socket_unit_has_the_last_word_on_where(server: socket.socket) -> None:
    listeners = Listeners.bind(config(web=f"127.0.0.1:{free_port()}"), given("web", server, "unit"))
    assert [str(address) for address in listeners.addresses["web"]] == [address_of(server)]
    listeners.close()


def test_a_unit_may_give_a_frontend_more_than_it_lists(server: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        wanted = config(web=address_of(server))
        inherited = Inherited([(offer("web", sock, "unit"), sock) for sock in (server, other)])
        listeners = Listeners.bind(wanted, inherited)
        assert [bound.sock for bound in listeners.bound] == [server, other]
        listeners.close()


def test_a_socket_that_a_reload_had_given_up_is_served_again(server: socket.socket) -> None:
    refuse_new(server)
    listeners = Listeners.bind(config(web=address_of(server)), given("web", server, "unit"))
    connect(address_of(server)).close()
    listeners.close()


def test_what_nobody_wants_is_closed(server: socket.socket, caplog: pytest.LogCaptureFixture) -> None:
    address = address_of(server)
    listeners = Listeners.bind(config(web="127.0.0.1:0"), given("other", server, "unit"))
    assert server.fileno() == -1
    assert f"the socket on {address} that was passed as other is not used" in caplog.text
    listeners.close()


def test_what_was_inherited_is_closed_when_another_cannot_be_bound(server: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = config(web=f"{address_of(server)} {address_of(taken)}")
        with pytest.raises(ListenError):
            Listeners.bind(wanted, given("web", server, "upgrade"))
    assert server.fileno() == -1


def test_a_port_that_was_picked_stays(server: socket.socket) -> None:
    listen = parse_address("127.0.0.1:0")
    listeners = Listeners.bind(config(web=str(listen)), given("web", server, "upgrade", listen))
    assert [bound.sock for bound in listeners.bound] == [server]
    assert listeners.bound[0].address == listen
    listeners.close()


def test_two_picked_ports_of_a_frontend_stay_two(server: socket.socket) -> None:
    listen = parse_address("127.0.0.1:0")
    with socket.create_server(("127.0.0.1", 0)) as other:
        inherited = Inherited([(offer("web", sock, "upgrade", listen), sock) for sock in (server, other)])
        listeners = Listeners.bind(config(web=f"{listen} {listen}"), inherited)
        assert [bound.sock for bound in listeners.bound] == [server, other]
        listeners.close()


def test_a_host_name_is_the_address_that_it_is_bound_to(server: socket.socket) -> None:
    listeners = Listeners.bind(config(web=f"localhost:{server.getsockname()[1]}"), given("x", server, "store"))
    assert [bound.sock for bound in listeners.bound] == [server]
    listeners.close()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_one_socket_for_both_families() -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as sock:
        port = sock.getsockname()[1]
        listeners = Listeners.bind(config(web=f"0.0.0.0:{port} [::]:{port}"), given("app.socket", sock, "unit"))
        assert [bound.sock for bound in listeners.bound] == [sock]
        listeners.close()


@pytest.mark.parametrize(("origin", "stays"), [("unit", True), ("store", True), ("upgrade", False)])
def test_a_path_stays_while_somebody_else_listens_there(origin: Origin, stays: bool) -> None:
    with short_directory() as directory:
        path = directory / "web.sock"
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(path))
        sock.listen()
        with sock.dup() as elsewhere:
            listeners = Listeners.bind(config(web=f"unix:{path}"), given("web", sock, origin))
            assert listeners.bound[0].address == UnixAddress(str(path))
            listeners.close()
            assert path.exists() is stays
            if stays:
                connect(f"unix:{path}").close()
                elsewhere.accept()[0].close()
