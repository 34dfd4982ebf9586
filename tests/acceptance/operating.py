"""What an operator does to a running rproxy, and how the test sees that it is done: files, signals, the admin API."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.clients.support import Rproxy, started
from tests.processes import connect, is_alive, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TOKEN = "only-for-this-test"
LONG = 30.0  # seconds; for what takes a second on an idle machine

CONFIG = """
workers = {workers}
worker_timeout = "3s"

[frontends.web]
listen = "{web}"
pool = "app"

[frontends.stream]
listen = "{stream}"
mode = "tcp"
pool = "echo"

[pools.app]
health_check = {{ interval = "200ms" }}
backends = [{backends}]

[pools.echo]
backends = ["{echo}"]

[admin]
listen = "{admin}"
token = "{token}"

[shutdown]
drain = "10m"
"""


@dataclass(frozen=True)
class Plan:
    """What the file says. app: weights by address, of backends that speak HTTP."""

    workers: int
    web: str
    stream: str
    echo: str
    admin: str
    app: Mapping[str, int]

    def text(self) -> str:
        backends = ", ".join(f'{{ address = "{address}", weight = {weight} }}' for address, weight in self.app.items())
        return CONFIG.format(
            workers=self.workers, web=self.web, stream=self.stream, echo=self.echo, admin=self.admin, token=TOKEN,
            backends=backends,
        )  # fmt: skip


class Operator:
    """main: the process id that signals go to. Every method returns when what it asked for is so, or fails."""

    def __init__(self, rproxy: Rproxy, plan: Plan) -> None:
        self.plan = plan
        self.main = rproxy.process.pid
        self._rproxy = rproxy
        self._path = rproxy.directory / "lb.toml"

    @property
    def log(self) -> str:
        return self._rproxy.log

    def ask(self, method: str, path: str, **body: object) -> Any:
        """The admin API. Raises OSError where nobody answers."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = connect(self.plan.admin, 5.0)
        with contextlib.closing(connection):
            data = json.dumps(body) if body else None
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            assert response.status == 200, (path, body, answer)
            return answer

    def statistics(self) -> Any:
        """Asked once more where a program that leaves after an upgrade had the question, and ended in its answer."""
        try:
            return self.ask("GET", "/api/statistics")
        except (http.client.HTTPException, ConnectionResetError):
            return self.ask("GET", "/api/statistics")

    def backends(self, pool: str = "app") -> dict[str, Any]:
        """By address, whatever their state."""
        pools = {pool["name"]: pool["backends"] for pool in self.statistics()["pools"]}
        return {backend["address"]: backend for backend in pools[pool]}

    def workers(self) -> dict[int, Any]:
        """By number, those that run."""
        return {one["number"]: one for one in self.statistics()["workers"] if one["state"] == "running"}

    # ------------------------------------------------------------------ reload

    def reload(self, app: Mapping[str, int]) -> None:
        """Another file, and SIGHUP; until it is in use, and what is new in it has got work."""
        before, new = self.statistics()["generation"], [address for address in app if address not in self.plan.app]
        self.plan = Plan(**{**self.plan.__dict__, "app": app})
        write(self._path, self.plan.text())
        os.kill(self.main, signal.SIGHUP)
        self._wait(lambda: self.statistics()["generation"] > before, "the reload")
        self._wait(lambda: self._weights() == dict(app), "weights as in the file")
        self.wait_work(*new)

    def _weights(self) -> dict[str, int]:
        states = self.backends()
        return {address: one["weight"] for address, one in states.items() if one["state"] != "draining"}

    def wait_work(self, *addresses: str) -> None:
        """Until each has been picked again."""
        if not addresses:
            return
        before = {address: one["picked"] for address, one in self.backends().items()}
        self._wait(
            lambda: all(one["picked"] > before.get(a, 0) for a, one in self.backends().items() if a in addresses),
            f"work for {addresses}",
        )

    # ------------------------------------------------------------------ drain

    def drain(self, address: str) -> None:
        """Until it is left alone while the others get more work."""
        self.ask("POST", "/api/backends/drain", pool="app", backend=address)
        self._wait(lambda: self.backends()[address]["state"] == "draining", "draining")
        self._wait(lambda: self.is_left_alone(address), "no more work for it")

    def is_left_alone(self, address: str) -> bool:
        """Workers tell what they count twice a second, each at its time: more than once each while others work."""
        others = [other for other in self.plan.app if other != address]
        before = self.backends()[address]["picked"]
        for _ in range(2):
            self.wait_work(*others)
        return bool(self.backends()[address]["picked"] == before)

    def enable(self, address: str) -> None:
        self.ask("POST", "/api/backends/enable", pool="app", backend=address)
        self._wait(lambda: self.backends()[address]["state"] in ("ready", "full"), "ready")
        self.wait_work(address)

    # ------------------------------------------------------------------ upgrade, death

    def upgrade(self) -> int:
        """SIGUSR2; until a new program serves. The old one's process id."""
        old = self.main
        os.kill(old, signal.SIGUSR2)
        self._wait(lambda: self._pid() not in (old, None), "the new program")
        self.main = self._pid() or 0
        self._wait(lambda: len(self.workers()) == self.plan.workers, "its workers")
        self.wait_work(*self.plan.app)
        return old

    def _pid(self) -> int | None:
        try:
            pid: int = self.statistics()["pid"]
        except (OSError, http.client.HTTPException):
            return None  # in between, or a connection of the one that leaves
        return pid

    def kill(self, number: int, by: int = signal.SIGKILL) -> float:
        """A signal that a worker does not survive; until another one has taken its place. Seconds that this took."""
        pid, since = self.workers()[number]["pid"], time.monotonic()
        os.kill(pid, by)
        self._wait(lambda: self.workers().get(number, {"pid": pid})["pid"] != pid, f"another worker {number}")
        took = time.monotonic() - since
        self.wait_work(*self.plan.app)
        return took

    def _wait(self, condition: Any, what: str) -> None:
        try:
            wait_until(condition, LONG)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}\n{self.statistics()['pools']}\n{self.log[-3000:]}") from None


def write(path: Path, text: str) -> None:
    """As editors and deployments do it: the file is never half there."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


@contextlib.contextmanager
def operated(plan: Plan) -> Iterator[Operator]:
    """A running rproxy. At the end none of its programs is left, whoever started them."""
    with started(plan.text()) as rproxy:
        operator = Operator(rproxy, plan)
        try:
            yield operator
        finally:
            if operator.main != rproxy.process.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(operator.main, signal.SIGINT)
                    os.kill(operator.main, signal.SIGTERM)  # the second signal cuts
                wait_until(lambda: not is_alive(operator.main), LONG)
