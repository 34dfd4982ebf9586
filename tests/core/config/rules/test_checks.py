import pytest

from proxy.core.config import check_text

WEB = '[frontends.web]\nlisten = "127.0.0.1:80"\n'
APP = '[pools.app]\nbackends = ["127.0.0.1:9001"]\n'


def problems(text: str) -> list[tuple[int, int, str, str]]:
    return [(p.line, p.column, p.message, p.hint) for p in check_text(text, "lb.toml").problems]


def test_a_sound_file() -> None:
    assert problems(f'{WEB}pool = "app"\n{APP}') == []


@pytest.mark.parametrize("name", ["a b", "", "-a", ".a", "ä", "x" * 64, 'a"'])
def test_names(name: str) -> None:
    key = "'" + name + "'"
    (problem,) = problems(f"{WEB}pool = {key}\n{APP}".replace("pools.app", f"pools.{key}"))
    assert problem == (4, 8, f'"{name}" cannot be a name: use up to 63 letters, digits and . _ -', "")


def test_a_frontend_must_listen() -> None:
    message = 'frontend "web" listens nowhere: "listen" is missing or empty'
    assert problems(f'[frontends.web]\npool = "app"\n{APP}') == [(1, 12, message, "")]
    assert problems(f'[frontends.web]\nlisten = []\npool = "app"\n{APP}') == [(2, 10, message, "")]


def test_a_frontend_must_lead_somewhere() -> None:
    assert problems(WEB) == [(1, 12, 'frontend "web" leads nowhere: name a pool, or write routes', "")]
    assert problems(f'{WEB}mode = "tcp"\n') == problems(WEB)
    assert problems(f'{WEB}routes = [{{ path = "/", pool = "app" }}]\n{APP}') == []


def test_a_route_of_a_tcp_frontend_has_a_host_and_nothing_of_http() -> None:
    def of_route(route: str) -> list[tuple[int, int, str, str]]:
        return problems(f'{WEB}mode = "tcp"\nroutes = [{{ {route}, pool = "app" }}]\n{APP}')

    assert of_route('host = "a.example"') == []
    ((line, column, message, hint),) = of_route('host = "a", path = "/"')
    assert (line, column) == (4, 32)
    assert message == '"path" needs mode "http": in mode "tcp" nobody reads the requests within'
    assert hint == 'remove it, or set mode = "http"'
    assert [message for _, _, message, _ in of_route('path = "/"')] == [
        'this route says no host, and in mode "tcp" a connection has nothing else to be routed by',
        '"path" needs mode "http": in mode "tcp" nobody reads the requests within',
    ]


def test_a_route_compares_something() -> None:
    ((line, _, message, _),) = problems(f'{WEB}[[frontends.web.routes]]\npool = "app"\n{APP}')
    assert (line, message) == (3, "this route says neither host nor path, so it would take every request")


def test_pools_must_exist() -> None:
    assert problems(f'{WEB}pool = "ap"\n{APP}')[0] == (3, 8, 'there is no pool "ap"', 'did you mean "app"?')
    assert problems(f'{WEB}pool = "x"\n') == [
        (3, 8, 'there is no pool "x"', "write a table [pools.x] with its backends")
    ]
    ((line, column, message, hint),) = problems(f'{WEB}[[frontends.web.routes]]\npath = "/"\npool = "zzz"\n{APP}')
    assert (line, column, message, hint) == (5, 8, 'there is no pool "zzz"', "known here: app")


def test_a_pool_has_backends() -> None:
    message = 'pool "app" is empty: "backends" is missing or has none'
    assert problems(f'{WEB}pool = "app"\n[pools.app]\n') == [(4, 8, message, "")]
    assert problems(f'{WEB}pool = "app"\n[pools.app]\nbackends = []\n') == [(5, 12, message, "")]


def backend_problems(*backends: str) -> list[tuple[int, int, str, str]]:
    return problems(f'{WEB}pool = "app"\n[pools.app]\nbackends = [\n' + ",\n".join(backends) + "]\n")


def test_a_backend_is_in_a_pool_once() -> None:
    one, two = '"127.0.0.1:9001"', '{ address = "127.0.0.1:9001", weight = 2 }'
    assert backend_problems(one, two, one) == [
        (7, 13, 'backend 127.0.0.1:9001 is in pool "app" twice', "to give it more work raise its weight instead")
    ]


def test_a_backend_has_a_port() -> None:
    ((line, _, message, _),) = backend_problems('"127.0.0.1:0"')
    assert (line, message) == (
        6,
        "127.0.0.1:0 has port 0, and nothing can be forwarded there: write the port that the backend listens on",
    )


def test_a_unix_socket_has_one_member() -> None:
    assert backend_problems('{ address = "127.0.0.1:9001", members = 4 }', '{ address = "unix:/x", members = 1 }') == []
    ((line, column, message, hint),) = backend_problems('{ address = "unix:/x", members = 4 }')
    assert (line, column) == (6, 34)
    assert message == "a Unix socket cannot be shared by 4 members: SO_REUSEPORT works for TCP only"
    assert hint == "use a TCP address, or one backend with its own socket per process"
