from __future__ import annotations

import pytest

from proxy.core.config import Redirect, Respond, check_text, parse_config

APP = '[pools.app]\nbackends = ["127.0.0.1:1"]\n'
WEB = '[frontends.web]\nlisten = "127.0.0.1:80"\n'


def messages(text: str) -> list[tuple[int, int, str]]:
    return [(problem.line, problem.column, problem.message) for problem in check_text(text, "lb.toml").problems]


def of_route(keys: str) -> list[tuple[int, int, str]]:
    """Of one route, whose own keys begin at line 5."""
    return messages(f'{WEB}pool = "app"\n[[frontends.web.routes]]\n{keys}\n{APP}')


def test_short_forms() -> None:
    config = parse_config(f'{WEB}redirect = "https"\nroutes = [{{ path = "/x", respond = 404 }}]\n', "lb.toml")
    web = config.frontends["web"]
    assert (web.redirect, web.routes[0].respond) == (Redirect(to="https"), Respond(status=404))
    assert web.pool_names == set()


def test_long_forms() -> None:
    text = f"""{WEB}
        respond = {{ status = 503, body = "back soon" }}
        [[frontends.web.routes]]
        path = "/old"
        redirect = {{ to = "/new{{rest}}", status = 301 }}
        """
    web = parse_config(text, "lb.toml").frontends["web"]
    assert web.respond == Respond(status=503, body="back soon")
    assert web.routes[0].redirect == Redirect(to="/new{rest}", status=301)


def test_a_route_leads_somewhere() -> None:
    message = "this route leads nowhere: name a pool, or answer with redirect or respond"
    assert of_route('path = "/x"') == [(4, 17, message)]


@pytest.mark.parametrize(
    ("keys", "column", "message"),
    [
        ('pool = "app"\nredirect = "https"', 1, "pool and redirect are here both, and requests can go one way only"),
        ('redirect = "/y"\nrespond = 404', 1, "redirect and respond are here both, and requests can go one way only"),
        (
            'respond = 404\nrewrite = "/"',
            1,
            "rewrite would do nothing here: with respond these requests reach no backend",
        ),
        ("respond = 404\nbody = 0", 1, "body would do nothing here: with respond these requests reach no backend"),
        (
            'redirect = "https"\nset_request_headers = { A = "b" }',
            1,
            "set_request_headers would do nothing here: with redirect these requests reach no backend",
        ),
        ("respond.status = 204\nrespond.body = 'x'", 9, "an answer of status 204 has no body"),
        ("respond.status = 299\nrespond.body = 'x'", 0, "299 is no status that HTTP knows"),
        ('redirect.status = 301\nredirect.to = "example.com"', 15, '"example.com" is no place to redirect to: '),
    ],
)
def test_what_does_not_go_together(keys: str, column: int, message: str) -> None:
    ((line, found_column, found),) = of_route(f'path = "/x"\n{keys}')
    assert found.startswith(message)
    assert (line, found_column) == ((7, column) if column else (6, 18))


def test_a_frontend_has_one_way_as_well() -> None:
    message = "pool and redirect are here both, and requests can go one way only"
    assert messages(f'{WEB}pool = "app"\nredirect = "https"\n{APP}') == [(4, 1, message)]


@pytest.mark.parametrize(
    "key",
    ['redirect = "https"', "respond = 404", 'set_request_headers = { A = "b" }', 'remove_response_headers = ["A"]'],
)
def test_tcp_has_no_policy(key: str) -> None:
    name = key.partition(" ")[0]
    message = f'{name} needs mode "http": in mode "tcp" nobody reads requests and responses'
    assert messages(f'{WEB}mode = "tcp"\npool = "app"\n{key}\n{APP}') == [(5, 1, message)]


def test_a_network_is_in_one_of_two_lists() -> None:
    keys = 'path = "/x"\npool = "app"\nallow = ["10.0.0.1"]\ndeny = ["10.0.0.1/32"]'
    assert of_route(keys) == [(8, 9, "10.0.0.1/32 stands in both allow and deny")]


@pytest.mark.parametrize("to", ["https", "https://{host}{target}"])
def test_a_redirect_to_where_clients_are(to: str) -> None:
    tls = '[frontends.web.tls]\ncertificates = [{ certificate = "/a.pem", key = "/a.key" }]\n'
    message = "clients came here by https already, and would be sent round for ever"
    assert messages(f'{WEB}redirect = "{to}"\n{tls}') == [(3, 12, message)]
    routes = f'routes = [{{ path = "/x", redirect = "{to}" }}]\n'
    assert messages(f'{WEB}pool = "app"\n{routes}{tls}{APP}') == [(4, 37, message)]
    assert messages(f'{WEB}redirect = "https://{{host}}:8443{{target}}"\n{tls}') == []
