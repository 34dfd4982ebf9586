from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import (
    Backend,
    Config,
    ConfigErrors,
    Frontend,
    FrontendLimits,
    FrontendTimeouts,
    HealthCheck,
    ListenOptions,
    Pool,
    PoolTimeouts,
    Reload,
    Route,
    Shutdown,
    check_file,
    check_text,
    load_config,
    parse_config,
)

MINIMAL = """
[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
"""

FULL = """
workers = 1                              # processes; "auto" is one per CPU

[frontends.web]
listen = ["0.0.0.0:8080", "unix:/run/rproxy/web.sock"]   # "127.0.0.1:0" picks a port and prints it
mode = "http"                            # or "tcp"
pool = "app"                             # where work goes that no route names

[frontends.web.timeouts]
request_head = "10s"                     # from the first byte (or accept) to the end of the head
request_body = "30s"                     # longest pause between reads of a body
keep_alive = "60s"                       # idle between requests
idle = "1h"                              # tcp sessions and tunnels

[frontends.web.limits]
head = "16KiB"
headers = 100
body = "0"                               # 0: no limit
connections = 10000

[[frontends.web.routes]]                 # http only; the first match wins
host = "api.example.com"                 # optional
path = "/v1/"                            # prefix, optional
pool = "api"

[pools.app]
balance = "least-connections"            # or "round-robin"; weights count in all of them
backends = ["127.0.0.1:9001", "unix:/run/app/2.sock"]    # short form

[[pools.api.backends]]                   # long form
address = "127.0.0.1:9100"
weight = 4
max_connections = 100                    # beyond it work waits in the pool's bounded queue
members = 4                              # a SO_REUSEPORT group: this many processes share the port
command = ["python", "-m", "backends.hello", "--listen", "{address}", "--reuseport"]

[pools.api.timeouts]
connect = "3s"
response_head = "60s"
response_body = "60s"                    # longest pause between reads
queue = "5s"

[pools.api.health_check]
path = "/healthz"                        # absent: a TCP/Unix connect
interval = "2s"
timeout = "1s"
rise = 2
fall = 3

[shutdown]
drain = "30s"                            # how long running work may take after SIGTERM
"""


def test_a_minimal_file_takes_every_default() -> None:
    assert parse_config(MINIMAL, "lb.toml") == Config(
        workers=1,
        frontends={
            "web": Frontend(
                name="web",
                listen=(TcpAddress("127.0.0.1", 8080),),
                mode="http",
                pool="app",
                routes=(),
                timeouts=FrontendTimeouts(
                    request_head=10.0, request_body=30.0, keep_alive=60.0, idle=3600.0, send=30.0
                ),
                limits=FrontendLimits(head=16384, headers=100, body=0, connections=10000),
                upgrades=("websocket",),
                socket=ListenOptions(backlog=4096, unix_mode=0o666, reuse_port=False),
            )
        },
        pools={
            "app": Pool(
                name="app",
                balance="least-connections",
                backends=(
                    Backend(address=TcpAddress("127.0.0.1", 9001), weight=1, max_connections=0, members=1, command=()),
                ),
                timeouts=PoolTimeouts(
                    connect=3.0, response_head=60.0, response_body=60.0, queue=5.0, idle=30.0, send=30.0
                ),
                health_check=None,
                queue=1024,
                idle_connections=1024,
                retries=3,
            )
        },
        reload=Reload(watch=False),
        shutdown=Shutdown(drain=30.0),
    )


def test_the_example_of_the_design() -> None:
    assert parse_config(FULL, "lb.toml") == Config(
        frontends={
            "web": Frontend(
                name="web",
                listen=(TcpAddress("0.0.0.0", 8080), UnixAddress("/run/rproxy/web.sock")),
                pool="app",
                routes=(Route(host="api.example.com", path="/v1/", pool="api"),),
            )
        },
        pools={
            "app": Pool(
                name="app",
                backends=(
                    Backend(address=TcpAddress("127.0.0.1", 9001)),
                    Backend(address=UnixAddress("/run/app/2.sock")),
                ),
            ),
            "api": Pool(
                name="api",
                backends=(
                    Backend(
                        address=TcpAddress("127.0.0.1", 9100),
                        weight=4,
                        max_connections=100,
                        members=4,
                        command=("python", "-m", "backends.hello", "--listen", "{address}", "--reuseport"),
                    ),
                ),
                health_check=HealthCheck(path="/healthz"),
            ),
        },
    )


def test_other_ways_to_write_things() -> None:
    config = parse_config(
        """
        workers = "auto"
        shutdown.drain = 0.5
        [frontends.web]
        listen = "unix:@web"
        upgrades = ["WebSocket", "IRC/6.9"]
        socket = { unix_mode = "0660", backlog = 1, reuse_port = true }
        routes = [{ host = "*.Example.COM", pool = "app" }]
        [pools.app]
        backends = [{ address = "[::1]:9001", command = "serve --listen '{host} {port}'" }]
        health_check = {}
        """,
        "lb.toml",
    )
    web, app = config.frontends["web"], config.pools["app"]
    assert config.shutdown.drain == 0.5
    assert web.listen == (UnixAddress("@web"),)
    assert web.upgrades == ("websocket", "irc/6.9")
    assert web.socket == ListenOptions(unix_mode=0o660, backlog=1, reuse_port=True)
    assert web.routes == (Route(host="*.example.com", pool="app"),)
    assert app.backends[0].command == ("serve", "--listen", "{host} {port}")
    assert app.health_check == HealthCheck()


def test_a_configuration_cannot_be_changed() -> None:
    config = parse_config(MINIMAL, "lb.toml")
    with pytest.raises(AttributeError):
        config.workers = 2  # type: ignore[misc]


def test_warnings_alone_do_not_stop_anything() -> None:
    checked = check_text(MINIMAL + '[pools.spare]\nbackends = ["127.0.0.1:9002"]\n', "lb.toml")
    assert [(p.severity, p.line, p.message) for p in checked.problems] == [
        ("warning", 7, 'no frontend uses the pool "spare"')
    ]
    assert checked.unwrap().pools.keys() == {"app", "spare"}


def test_warnings_wait_until_the_form_is_right() -> None:
    text = MINIMAL.replace("pool = ", "pol = ")
    assert [p.message for p in check_text(text, "lb.toml").problems] == ['unknown key "pol"']


def problems(text: str) -> list[tuple[int, str]]:
    checked = check_text(text, "lb.toml")
    assert checked.config is None
    return [(problem.line, problem.message) for problem in checked.problems]


def test_rules_see_what_is_left_of_a_faulty_file() -> None:
    text = """
        [frontends.web]
        listen = "127.0.0.1:80"
        pool = "nowhere"
        limits.headers = 0
        [frontends.other]
        listen = ["127.0.0.1:80"]
        pool = "app"
        [pools]
        app = 3
        """
    assert problems(text) == [
        (4, 'there is no pool "nowhere"'),
        (5, '"headers" must be at least 1, not 0'),
        (7, '127.0.0.1:80 is taken: frontend "web" listens on it'),
        (10, '"app" must be a table, not 3'),
    ]


def test_what_follows_from_a_fault_is_not_reported_too() -> None:
    text = """
        [frontends.web]
        lisen = "127.0.0.1:80"
        pool = "app"
        [pools.app]
        backends = ["localhost"]
        """
    assert [line for line, _ in problems(text)] == [3, 6]


def test_a_misspelt_table_of_pools_is_one_error() -> None:
    assert problems(MINIMAL.replace("pools.app", "pool.app")) == [(5, 'unknown table "pool"')]


def test_an_unknown_table_beside_all_others_hides_nothing() -> None:
    text = MINIMAL.replace('pool = "app"', 'pool = "ap"') + "[watch]\n"
    assert problems(text) == [(4, 'there is no pool "ap"'), (7, 'unknown table "watch"')]


def test_errors_of_a_file_are_one_exception() -> None:
    with pytest.raises(ConfigErrors) as caught:
        parse_config(MINIMAL.replace("8080", "80800").replace("backends", "backend"), "lb.toml")
    assert str(caught.value) == (
        "lb.toml:3:10: port '80800' is not a number from 0 to 65535\nlb.toml:6:1: unknown key \"backend\""
    )


@pytest.mark.parametrize("depth", [200, 100_000])
def test_deep_nesting(depth: int) -> None:
    text = "a = " + "[" * depth + "]" * depth
    assert problems(text)[-1][1] in {"brackets are nested too deeply", 'unknown key "a"'}


def test_deep_nesting_that_only_tomllib_can_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(text: str) -> None:
        raise RecursionError

    monkeypatch.setattr("proxy.core.config.load.locate", too_deep)
    assert problems("a = 1") == [(1, "brackets are nested too deeply")]


@settings(deadline=None)  # the first example pays for pydantic's schemas
@given(st.text())
def test_no_text_is_a_crash(text: str) -> None:
    for problem in check_text(text, "lb.toml").problems:
        assert problem.message
        assert 1 <= problem.line <= text.count("\n") + 1
        assert problem.column >= 1


VALUES = st.recursive(
    st.one_of(
        st.integers(-2, 2), st.booleans(), st.just("x"), st.just("127.0.0.1:0"), st.just("1e400"), st.just("1979-05-27")
    ),
    lambda values: (
        st.lists(values, max_size=2) | st.dictionaries(st.sampled_from(["name", "pool", "path"]), values, max_size=2)
    ),
    max_leaves=4,
)


def as_toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}={as_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(as_toml, value)) + "]"
    text = str(value).lower()
    return text if text[0] in "-012tf" and ":" not in text else f'"{text}"'


FRONTEND = ["listen", "mode", "pool", "routes", "timeouts", "timeouts.idle", "limits.head", "limits.headers", "name"]
SOCKET = ["upgrades", "socket.unix_mode", "socket.reuse_port"]
POOL = ["backends", "balance", "health_check", "health_check.path", "queue"]
PATHS = [
    *["workers", "frontends", "frontends.web", "pools", "pools.app", "shutdown", "shutdown.drain", "admin"],
    *[f"frontends.web.{key}" for key in FRONTEND + SOCKET],
    *[f"pools.app.{key}" for key in POOL],
]


@pytest.mark.slow
@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(PATHS), VALUES, max_size=6))
def test_no_value_anywhere_is_a_crash(lines: dict[str, object]) -> None:
    text = "\n".join(f"{path} = {as_toml(value)}" for path, value in lines.items())
    checked = check_text(text, "lb.toml")
    assert checked.config or checked.problems
    assert all("Input should" not in problem.message for problem in checked.problems)  # pydantic's own wording


def file_problem(path: Path) -> tuple[str, int, str]:
    checked = check_file(path)
    assert checked.config is None
    (problem,) = checked.problems
    return problem.file, problem.line, problem.message


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "lb.toml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert load_config(path) == load_config(str(path)) == parse_config(MINIMAL, "lb.toml")


def test_a_file_is_checked_against_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "lb.toml"
    path.write_text(MINIMAL.replace("127.0.0.1:8080", f"unix:{tmp_path}/no/web.sock"))
    with pytest.raises(ConfigErrors, match=f"there is no directory {tmp_path}/no"):
        load_config(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert file_problem(tmp_path / "lb.toml") == (str(tmp_path / "lb.toml"), 0, "there is no such file")
    assert file_problem(tmp_path) == (str(tmp_path), 0, "this is a directory, not a configuration file")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert file_problem(loop)[2] == "the file cannot be read: Too many levels of symbolic links"
    latin = tmp_path / "latin.toml"
    latin.write_bytes("# für".encode("latin-1"))
    assert file_problem(latin)[2] == "the file is not UTF-8 text: byte 4 is 0xfc"
