"""HAProxy: servers come, drain and go through its runtime API; it is never reloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from proxy.lab.deployment import DeployError
from proxy.lab.models.rivals.rival import ASIDE, DRAIN, LOOK, MAX_IDLE, Place, Rival

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.lab.models.children import Running

# What nginx does by default, HAProxy has to be told: idle connections are for everybody, another server is tried when
# one fails before it answered, and never for what may not be sent twice. Before it tries again it pauses for as long as
# it would wait for a connection, but at most 1 s: that was the p99 when a worker died. A dead server has the fewest
# connections and would be tried first until a check has missed it. (Marked down at the first failure, it was out for
# longer than its replacement took, and when the other one died 5 of 100 requests were answered 503.)
_SERVER = f"pool-max-conn {MAX_IDLE} check inter {ASIDE * 1000:.0f}ms fall 1 rise 1"
_CONFIG = """\
global
    nbthread 1
    maxconn 8000
    stats socket {directory}/haproxy.sock mode 600 level admin
defaults
    mode http
    timeout connect {aside:.0f}ms
    timeout client 60s
    timeout server 60s
    option forwardfor
    http-reuse always
    balance leastconn
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
frontend web
    bind {host}:{port} backlog 4096
    default_backend app
backend app
    http-request disable-l7-retry unless METH_GET
{servers}
"""


class Haproxy(Rival):
    """One thread, by its runtime API."""

    name = "haproxy"
    program = "haproxy"
    how = "apt-get install haproxy"
    summary = "HAProxy in front of ports: least connections, one thread"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._used: dict[int, str] = {}
        self._known: set[int] = set()

    def files(self, backends: Mapping[int, str]) -> dict[str, str]:
        self._used, self._known = dict(backends), set(backends)
        servers = "\n".join(
            f"    server {_name(number)} {_address(address)} {_SERVER}" for number, address in sorted(backends.items())
        )
        place = self.place
        text = _CONFIG.format(
            directory=place.directory, host=place.host, port=place.port, servers=servers, aside=ASIDE * 1000
        )
        return {"haproxy.cfg": text}

    def command(self) -> list[str]:
        return ["haproxy", "-db", "-q", "-f", self.place.path("haproxy.cfg")]

    async def use(self, backends: Mapping[int, str], running: Running) -> None:
        """A server that is to go is drained, and in maintenance once it has no request; so it stays, and may return."""
        for number in sorted(backends.keys() - self._used.keys()):
            await self._take(number, backends[number])
        gone = sorted(self._used.keys() - backends.keys())
        for number in gone:
            await self._ask(f"set server app/{_name(number)} state drain")
        with trio.move_on_after(DRAIN):
            while sum([await self._under_way(number) for number in gone]):  # noqa: ASYNC110
                await trio.sleep(LOOK)
        for number in gone:
            await self._ask(f"set server app/{_name(number)} state maint")
        self._used = dict(backends)

    async def _take(self, number: int, address: str) -> None:
        name = _name(number)
        if number not in self._known:
            await self._ask(f"add server app/{name} {_address(address)} {_SERVER}", expected="New server registered")
            await self._ask(f"enable health app/{name}")
            self._known.add(number)
        await self._ask(f"set server app/{name} state ready")

    async def _under_way(self, number: int) -> int:
        """Requests at that server: used_cur of "show servers conn" (HAProxy management guide)."""
        for line in (await self._ask("show servers conn app")).splitlines():
            fields = line.split()
            if fields and fields[0] == f"app/{_name(number)}":
                return int(fields[6])
        return 0

    async def _ask(self, command: str, expected: str = "") -> str:
        """The answer of the runtime API. Raises DeployError when it has not what is expected."""
        answer = b""
        async with await trio.open_unix_socket(self.place.path("haproxy.sock")) as stream:
            await stream.send_all(f"{command}\n".encode())
            async for data in stream:
                answer += data
        text = answer.decode(errors="replace").strip()
        if expected not in text:
            raise DeployError(f"haproxy: {command}: {text}")
        return text


def _name(number: int) -> str:
    return f"worker-{number}"


def _address(address: str) -> str:
    return address.replace("unix:", "unix@")
