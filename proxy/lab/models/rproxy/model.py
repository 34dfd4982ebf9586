"""rproxy in front of ports, of Unix sockets, or of a REUSEPORT group: as its users run it, `rproxy --config lb.toml`,
with backends that it starts itself."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from proxy.lab.models.children import children, no_sockets_left, until_it_answers, until_it_listens
from proxy.lab.models.free_port import free_port
from proxy.lab.models.model import Kind, Missing
from proxy.lab.models.reuseport import reserved_port
from proxy.lab.models.rproxy.backends import HOST, OnOnePort, OnPorts, OnSockets
from proxy.lab.models.rproxy.deployed import Grouped, Separate
from proxy.lab.models.rproxy.files import Files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from proxy.lab.application import Application, Way
    from proxy.lab.deployment import Deployment, DeploymentSpec
    from proxy.lab.models.rproxy.backends import Backends

ENDING = 10.0  # seconds: rproxy ends its backends within seven
_BALANCES = ("least-connections", "round-robin")
_HOW: dict[Way, str] = {
    "port": "--app 'COMMAND {host} {port}'",
    "socket": "--app 'COMMAND {socket}'",
    "reuseport": "--app-reuseport 'COMMAND {host} {port}'",
}
_WHAT: dict[Way, str] = {"port": "port", "socket": "Unix socket", "reuseport": "port to share"}


class Proxied:
    """A model for each of the ways in of an application. Variants: who gets the next request."""

    kind: Kind = "http"

    def __init__(self, name: str, way: Way, summary: str) -> None:
        self.name, self.summary = name, summary
        self._way = way

    def variants(self, application: Application) -> Sequence[str]:
        return _BALANCES

    def missing(self, variant: str, application: Application) -> Sequence[Missing]:
        if application.takes(self._way):
            return ()
        return (Missing(f"the application takes no {_WHAT[self._way]}", _HOW[self._way]),)

    @asynccontextmanager
    async def deploying(self, variant: str, spec: DeploymentSpec) -> AsyncIterator[Deployment]:
        with no_sockets_left(spec.directory), self._behind(spec) as behind:
            files = Files(spec.directory, f"{HOST}:{free_port()}", variant, behind)
            files.write(spec.workers)
            async with children() as started:
                running = started.start(files.command)
                try:
                    await until_it_listens(files.target, running, spec.deadline)
                    await until_it_answers(files.target, [running], spec.deadline)
                    yield Grouped(files, running) if isinstance(behind, OnOnePort) else Separate(files, running)
                finally:
                    await started.end(running, ENDING)

    @contextmanager
    def _behind(self, spec: DeploymentSpec) -> Iterator[Backends]:
        if self._way == "reuseport":
            with reserved_port() as port:
                yield OnOnePort(spec.application, port)
        elif self._way == "socket":
            yield OnSockets(spec.application, spec.directory)
        else:
            yield OnPorts(spec.application)


PROXY_TCP = Proxied("proxy-tcp", "port", "rproxy in front of N processes, each on a TCP port: it picks one per request")
PROXY_UNIX = Proxied("proxy-unix", "socket", "rproxy in front of N processes, each on a Unix socket")
PROXY_REUSEPORT = Proxied(
    "proxy-reuseport", "reuseport",
    "rproxy in front of N processes on one port: it spreads requests over connections, the kernel these over processes",
)  # fmt: skip
