"""Every file in configs/ starts as it is, keeps the promise of its comments, and leaves no process behind."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import shlex
import signal
import socket
import ssl
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.support import Rproxy, descendants, module, run, running, short_directory
from tests.processes import ROOT, connect, exchange, free_port, is_alive, read_all, request, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

pytestmark = pytest.mark.slow

CONFIGS = sorted((ROOT / "configs").glob("*.toml"))
APP_SERVERS = ("uvicorn", "gunicorn", "hypercorn", "granian")


class Moved:
    """A configuration at other addresses than those it is written with, so that it can run beside anything else."""

    def __init__(self, path: Path, directory: Path) -> None:
        self._directory = directory
        self._ports: dict[str, str] = {}
        self.text = self._move(path.read_text())

    def _move(self, text: str) -> str:
        """The one place that knows how addresses look in configs/."""
        text = re.sub(r"127\.0\.0\.1:(\d+)", lambda match: f"127.0.0.1:{self._port(match[1])}", text)
        text = text.replace("/tmp/", f"{self._directory}/")
        return text.replace("unix:@rproxy-demo", f"unix:@rproxy-demo-{os.getpid()}")

    def _port(self, written: str) -> str:
        if written not in self._ports:
            self._ports[written] = str(free_port())
        return self._ports[written]

    def __call__(self, written: str) -> str:
        """Where an address of the file is now."""
        return self._move(written)


def reports(address: str, count: int, path: str = "/", **headers: str) -> list[dict[str, Any]]:
    """What came back for requests on a connection each."""
    return [json.loads(request(address, path, **headers).body) for _ in range(count)]


def reports_on_one_connection(address: str, count: int) -> list[dict[str, Any]]:
    connection = http.client.HTTPConnection(address, timeout=10)
    found = []
    for _ in range(count):
        connection.request("GET", "/")
        found.append(json.load(connection.getresponse()))
    connection.close()
    return found


def workers(found: Iterable[dict[str, Any]]) -> Counter[str]:
    return Counter(report["worker"] for report in found)


def pids(found: Iterable[dict[str, Any]]) -> set[int]:
    return {report["pid"] for report in found}


def see_all(address: str, count: int) -> set[int]:
    """The pids of `count` processes. Which one a connection to a REUSEPORT group gets is the kernel's lottery."""
    seen: set[int] = set()
    wait_until(lambda: (seen.update(pids(reports(address, 6))), len(seen) == count)[1])
    return seen


def demo(moved: Moved, rproxy: Rproxy) -> None:
    behind = see_all(moved("127.0.0.1:8080"), 6)
    direct = see_all(moved("127.0.0.1:9103"), 3)
    assert direct < behind
    shares = workers(reports(moved("127.0.0.1:8080"), 60))
    assert (shares["unix-1"], shares["unix-2"], shares["port"]) == (10, 10, 10)
    assert sum(shares[f"member-{number}"] for number in (1, 2, 3)) == 30
    assert behind == pids_of_commands(rproxy)


def pids_of_commands(rproxy: Rproxy) -> set[int]:
    return {int(pid) for pid in re.findall(r"started, pid (\d+)", rproxy.log)}


def tcp(moved: Moved, rproxy: Rproxy) -> None:
    address = moved("127.0.0.1:8080")
    with connect(address) as first, connect(address) as second:  # each has one session, so each got one
        assert {first.recv(100), second.recv(100)} == {b"port\n", b"unix\n"}
    greeting, _, rest = exchange(address, b"hello\n").partition(b"\n")  # with half-close
    assert greeting in (b"port", b"unix")
    assert rest == b"hello\n"


def unix(moved: Moved, rproxy: Rproxy) -> None:
    path, abstract = moved("unix:/tmp/rproxy-demo.sock"), moved("unix:@rproxy-demo")
    assert rproxy.addresses["web"] == [path, abstract]
    assert workers(reports(path, 4)) == workers(reports(abstract, 4)) == {"file": 2, "abstract": 2}
    assert os.stat(path.removeprefix("unix:")).st_mode & 0o777 == 0o600


def reuseport(moved: Moved, rproxy: Rproxy) -> None:
    direct, tcp, http = map(moved, ("127.0.0.1:9101", "127.0.0.1:8081", "127.0.0.1:8080"))
    assert see_all(direct, 4) == see_all(tcp, 4) == see_all(http, 4)
    for address in (direct, tcp):
        assert len(pids(reports_on_one_connection(address, 10))) == 1
    assert len(pids(reports_on_one_connection(http, 200))) == 4


def routes(moved: Moved, rproxy: Rproxy) -> None:
    web, strict = moved("127.0.0.1:8080"), moved("127.0.0.1:8081")
    for address, host, path, pool in (
        (web, "localhost", "/", "site"),
        (web, "localhost", "/v1", "api"),
        (web, "localhost", "/v1/users", "api"),
        (web, "localhost", "/v10", "site"),
        (web, "API.example.com:8080", "/", "api"),
        (web, "api.example.com", "/admin/", "admin"),
        (web, "api.example.com", "/admin", "api"),
        (web, "a.b.example.com", "/v1", "tenants"),
        (web, "example.com", "/", "site"),
        (strict, "localhost", "/v1/", "api"),
    ):
        assert workers(reports(address, 1, path, Host=host)) == {pool: 1}, (host, path)
    assert request(strict, "/").status == 404


def policy(moved: Moved, rproxy: Rproxy) -> None:
    plain, web = moved("127.0.0.1:8079"), moved("127.0.0.1:8080")
    answer = request(plain, "/any?a=b")
    assert (answer.status, answer.headers["Location"]) == (308, "https://localhost/any?a=b")
    (report,) = reports(web, 1, **{"X-Real-IP": "1.2.3.4", "Cookie": "a=b"})
    fields = [(name.lower(), value) for name, value in report["headers"]]
    assert [value for name, value in fields if name == "x-real-ip"] == ["127.0.0.1"]
    assert "x-request-id" in dict(fields)
    assert "cookie" not in dict(fields)
    (report,) = reports(web, 1, "/api/users?id=1")
    assert (report["path"], report["query"], dict(report["headers"])["Host"]) == ("/users", "id=1", "api.internal")
    headers = request(web, "/api/").headers
    assert (headers["Cache-Control"], headers["Server"]) == ("no-store", None)
    answer = request(web, "/old/page")
    assert (answer.status, answer.headers["Location"]) == (301, "/new/page")
    assert request(web, "/robots.txt").body == b"User-agent: *\nDisallow: /\n"
    assert [request(web, "/small", "POST", b"x" * size).status for size in (8, 9)] == [200, 413]
    host, _, port = web.rpartition(":")
    with socket.create_connection((host, int(port)), 10, ("127.0.0.2", 0)) as sock:
        sock.sendall(b"GET /private/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 403 ")
    assert request(web, "/private/").status == 200


def weights(moved: Moved, rproxy: Rproxy) -> None:
    address = moved("127.0.0.1:8080")
    found = reports(address, 70)
    assert workers(found) == {"big": 50, "small-1": 10, "small-2": 10}
    runs = [len(list(group)) for name, group in itertools.groupby(found, lambda report: report["worker"])]
    assert max(runs) <= 5  # evenly mixed
    victim = next(report["pid"] for report in found if report["worker"] == "big")
    os.kill(victim, 9)
    wait_until(lambda: not is_alive(victim))
    assert {request(address).status for _ in range(10)} == {200}
    wait_until(lambda: "big" in workers(reports(address, 7)))


def app_servers(moved: Moved, rproxy: Rproxy) -> None:
    address = moved("127.0.0.1:8080")
    wait_until(lambda: all(request(address, f"/{name}/").status == 200 for name in APP_SERVERS), 60.0)
    for name in APP_SERVERS:
        assert request(address, f"/{name}/").headers["Server"].startswith(name)
        assert len(request(address, f"/{name}/stream").body) == 65536
        answer = request(address, f"/{name}/", "PUT", b"x" * 100_000)
        assert json.loads(answer.body)["body_length"] == 100_000
    killed = pids_of_commands(rproxy)
    for pid in killed:  # a server that is killed leaves its socket file, and some leave it always
        os.kill(pid, 9)
    wait_until(lambda: not any(map(is_alive, killed)))
    wait_until(lambda: all(request(address, f"/{name}/").status == 200 for name in APP_SERVERS), 60.0)


def access_log(moved: Moved, rproxy: Rproxy) -> None:
    as_json, combined = (Path(moved(f"/tmp/rproxy-access.{suffix}")) for suffix in ("json", "log"))
    for port in (8080, 8081, 8082):
        assert request(moved(f"127.0.0.1:{port}"), "/hello?token=secret").status == 200
    wait_until(lambda: as_json.read_text().count("\n") == 2 and "\n" in combined.read_text())
    line, session = sorted(map(json.loads, as_json.read_text().splitlines()), key=lambda line: line["frontend"])
    assert (line["target"], line["status"], line["reason"], line["frontend"]) == ("/hello", 200, "ok", "json")
    assert (session["protocol"], session["reason"], session["frontend"]) == ("tcp", "ok", "raw")
    assert '"GET /hello?token=secret HTTP/1.1" 200 ' in combined.read_text()
    as_json.rename(as_json.with_suffix(".1"))
    assert request(moved("127.0.0.1:8080")).status == 200
    wait_until(lambda: as_json.exists() and "\n" in as_json.read_text())
    for number in (signal.SIGHUP, signal.SIGUSR1):
        combined.unlink()
        rproxy.signal(number)
        wait_until(combined.exists)
    for path in (as_json, as_json.with_suffix(".1"), combined):
        path.unlink()


def told(address: str, source: str = "127.0.0.1", **headers: str) -> dict[str, str]:
    """The fields that the backend got."""
    connection = http.client.HTTPConnection(address, timeout=10, source_address=(source, 0))
    connection.request("GET", "/", headers=headers)
    report = json.load(connection.getresponse())
    connection.close()
    return {name.lower(): value for name, value in report["headers"]}


def behind_a_proxy(moved: Moved, rproxy: Rproxy) -> None:
    proxied, balancer, web, standard = (moved(f"127.0.0.1:{port}") for port in (8080, 8081, 8082, 8083))
    header = b"PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n"
    with connect(proxied) as sock:
        sock.sendall(header + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b'["X-Forwarded-For", "203.0.113.7"]' in read_all(sock)
    with pytest.raises((OSError, http.client.HTTPException)):
        request(proxied, "/")
    assert told(balancer, "127.0.0.9")["x-forwarded-for"] == "127.0.0.9"
    claims = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    found = told(web, **claims)
    assert (found["x-forwarded-for"], found["x-forwarded-proto"]) == ("203.0.113.7, 127.0.0.1", "https")
    found = told(web, "127.0.0.2", **claims)
    assert (found["x-forwarded-for"], found["x-forwarded-proto"]) == ("127.0.0.2", "http")
    assert request(web, "/", **{"X-Forwarded-For": "192.0.2.66"}).status == 403
    found = told(standard, **claims)
    assert found["forwarded"] == f'for=127.0.0.1;by="{standard}";proto=http;host="{standard}"'
    assert "x-forwarded-for" not in found


def tls_passthrough(moved: Moved, rproxy: Rproxy) -> None:
    address, ca = moved("127.0.0.1:8443"), moved("/tmp/rproxy-demo.pem")
    assert ask_over_tls(address, "shop.localhost", ca)["worker"] == "shop"
    assert ask_over_tls(address, "blog.localhost", ca)["worker"] == "blog"
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        ask_over_tls(address, "localhost", ca)
    assert workers(reports(moved("127.0.0.1:8080"), 2)) == {"shop": 2}


def ask_over_tls(address: str, name: str, ca: str) -> dict[str, Any]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    connection = http.client.HTTPConnection(name)
    with connect(address) as plain, context.wrap_socket(plain, server_hostname=name) as connection.sock:
        connection.request("GET", "/")
        found: dict[str, Any] = json.load(connection.getresponse())
        return found


def tls(moved: Moved, rproxy: Rproxy) -> None:
    web, raw = moved("127.0.0.1:8443"), moved("127.0.0.1:8444")
    trusting = ssl.create_default_context(cafile=moved("/tmp/rproxy-demo.pem"))
    connection = http.client.HTTPSConnection(web, timeout=10, context=trusting)
    connection.request("GET", "/")
    report = json.load(connection.getresponse())
    connection.close()
    assert ["X-Forwarded-Proto", "https"] in report["headers"]
    answer = request(moved("127.0.0.1:8080"), "/any?q")
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{web}/any?q")
    assert request(web, "/").status == 400
    with connect(raw) as sock, trusting.wrap_socket(sock, server_hostname="127.0.0.1") as echo:
        echo.sendall(b"hello\n")
        assert echo.recv(100) == b"hello\n"
        shown = echo.getpeercert(binary_form=True)
    prepared(moved, Path(moved("/tmp/")))
    rproxy.signal(signal.SIGHUP)
    wait_until(lambda: "raw: new certificates: localhost until" in rproxy.log)
    trusting.load_verify_locations(moved("/tmp/rproxy-demo.pem"))
    with connect(raw) as sock, trusting.wrap_socket(sock, server_hostname="localhost") as echo:
        assert echo.getpeercert(binary_form=True) != shown


def dashboard(moved: Moved, rproxy: Rproxy) -> None:
    web, admin, port = map(moved, ("127.0.0.1:8080", "127.0.0.1:9900", "127.0.0.1:9101"))
    bad = moved("unix:/tmp/rproxy-demo-bad.sock")

    def backend(address: str) -> dict[str, Any]:
        pools = {pool["name"]: pool for pool in json.loads(request(admin, "/api/statistics").body)["pools"]}
        return next(one for one in pools["app"]["backends"] if one["address"] == address)

    assert b"<title>rproxy</title>" in request(admin).body
    wait_until(lambda: (reports(web, 10), backend(bad)["ejections"] > 0)[1])
    assert b"ejections_total" in request(admin, "/metrics").body
    body = json.dumps({"pool": "app", "backend": port}).encode()
    fields = {"Authorization": "Bearer only-for-this-demo", "Content-Type": "application/json"}
    assert request(admin, "/api/backends/drain", "POST", body, **fields).status == 200
    wait_until(lambda: backend(port)["state"] == "draining")
    assert "port" not in workers(reports(web, 12))


def health(at: Moved, rproxy: Rproxy) -> None:
    web, group = at("127.0.0.1:8080"), at("127.0.0.1:9402")

    def is_ejected() -> bool:
        assert request(web, "/close-after-request").status == 200
        return f"backend {at('127.0.0.1:9403')} is ejected: closed-before-answer, 5 in a row" in rproxy.log

    wait_until(is_ejected)
    pid = min(see_all(group, 3))
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: f"(pid {pid}) is stuck: " in rproxy.log)
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: f"(pid {pid}) is well again" in rproxy.log)


def several_workers(at: Moved, rproxy: Rproxy) -> None:
    web = at("127.0.0.1:8080")
    family = {name_of(pid): pid for pid in descendants(rproxy.process.pid)}
    assert {"rproxy spawner", "rproxy worker 1", "rproxy worker 2"} <= family.keys()
    wait_until(lambda: workers(reports(web, 12)).keys() == {"first", "second"})  # each starts when it is ready
    for number, how in (("1", signal.SIGKILL), ("2", signal.SIGSTOP)):
        os.kill(family[f"rproxy worker {number}"], how)
        # All are answered; by one of them where the other seems busy, since it stopped before it gave back a slot.
        assert workers(reports(web, 12)).keys() <= {"first", "second"}
    wait_until(lambda: "worker 2 died (killed: it did nothing for" in rproxy.log)
    with ThreadPoolExecutor(8) as clients:
        found = itertools.chain(*clients.map(lambda path: reports(web, 3, path), ["/one"] * 8))
        assert workers(found) == {"one": 24}


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


PROMISES: dict[str, Callable[[Moved, Rproxy], None]] = {
    "access-log.toml": access_log,
    "app-servers.toml": app_servers,
    "behind-a-proxy.toml": behind_a_proxy,
    "dashboard.toml": dashboard,
    "demo.toml": demo,
    "health.toml": health,
    "policy.toml": policy,
    "reuseport.toml": reuseport,
    "routes.toml": routes,
    "tcp.toml": tcp,
    "tls-passthrough.toml": tls_passthrough,
    "tls.toml": tls,
    "unix.toml": unix,
    "weights.toml": weights,
    "workers.toml": several_workers,
}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_it_keeps_its_promise(path: Path) -> None:
    if path.name == "app-servers.toml":
        for name in APP_SERVERS:
            module(name)
    with short_directory() as directory:
        moved = Moved(path, directory)
        made = prepared(moved, directory)
        with running(moved.text) as rproxy:  # which also looks whether a process is left
            PROMISES[path.name](moved, rproxy)
        if path.name != "app-servers.toml":
            assert set(directory.iterdir()) == made


def prepared(moved: Moved, directory: Path) -> set[Path]:
    """Runs what the first lines say that must be made first, and tells which files that made."""
    for line in moved.text.splitlines():
        if line.startswith("#   openssl "):
            run(*shlex.split(line.removeprefix("#")))
    return set(directory.iterdir())


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_its_first_lines_tell_how_to_run_it(path: Path) -> None:
    comments = "".join(itertools.takewhile(lambda line: line.startswith("#"), path.read_text().splitlines()))
    assert f"rproxy --config configs/{path.name}" in comments
    assert re.search(r"curl|socat", comments)
