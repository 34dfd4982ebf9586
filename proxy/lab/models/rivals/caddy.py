"""Caddy: what changes is a new configuration, loaded through its admin API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.deployment import DeployError
from proxy.lab.models.rivals.admin import admin
from proxy.lab.models.rivals.rival import ASIDE, MAX_IDLE, Rival

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.lab.models.children import Running

# lb_try_duration: another backend is tried when one cannot be reached, and for a GET also when it fails later.
_CONFIG = """\
{{
	admin unix/{directory}/admin.sock {{
		origins localhost
	}}
	auto_https off
	grace_period 10s
	log {{
		level ERROR
	}}
	servers {{
		protocols h1
	}}
}}
:{port} {{
	bind {host}
	reverse_proxy {backends} {{
		lb_policy least_conn
		lb_try_duration 2s
		lb_try_interval 10ms
		fail_duration {aside:.0f}ms
		transport http {{
			versions 1.1
			compression off
			dial_timeout 3s
			keepalive_idle_conns_per_host {idle}
		}}
	}}
}}
"""  # fmt: skip


class Caddy(Rival):
    """With one processor to work on."""

    name = "caddy"
    program = "caddy"
    how = "apt-get install caddy"
    summary = "Caddy in front of ports: least connections, one processor"

    def files(self, backends: Mapping[int, str]) -> dict[str, str]:
        upstreams = " ".join(address.replace("unix:", "unix/") for _, address in sorted(backends.items()))
        place = self.place
        text = _CONFIG.format(
            directory=place.directory, host=place.host, port=place.port, backends=upstreams, idle=MAX_IDLE,
            aside=ASIDE * 1000,
        )  # fmt: skip
        return {"Caddyfile": text}

    def command(self) -> list[str]:
        return ["caddy", "run", "--config", self.place.path("Caddyfile"), "--adapter", "caddyfile"]

    def env(self) -> dict[str, str]:
        """It keeps a copy of its configuration in what it takes for home."""
        home = str(self.place.directory)
        return {"GOMAXPROCS": "1", "HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home}

    async def use(self, backends: Mapping[int, str], running: Running) -> None:
        """Requests that are under way go on, and it does not tell of them any more: who ends a backend after this
        leaves it to finish them at its SIGTERM."""
        text = self.files(backends)["Caddyfile"]
        async with admin(self.place.path("admin.sock")) as client:
            answer = await client.post("/load", content=text, headers={"Content-Type": "text/caddyfile"})
        if answer.status_code != 200:
            raise DeployError(f"caddy: {answer.text.strip()}")
