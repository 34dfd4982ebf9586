"""nginx: what changes is a new configuration file and SIGHUP; old worker processes end when their requests have."""

from __future__ import annotations

import os
import pwd
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from proxy.lab.models.rivals.rival import DRAIN, LOOK, MAX_IDLE, Rival, write_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.lab.models.children import Running

# proxy_next_upstream by default tries another backend when one fails before it answered, and never a POST again.
# max_fails=0: none is put aside for a failure. nginx does that for whole seconds, and when a second worker died within
# them it answered 8 of 100 requests with 502; a connection that is refused on this machine costs 50 us.
_CONFIG = """\
worker_processes 1;
worker_rlimit_nofile 16384;
pid {directory}/nginx.pid;
error_log stderr error;
{user}events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream app {{
        least_conn;
{servers}
        keepalive {idle};
        keepalive_requests 100000000;
    }}
    server {{
        listen {host}:{port} backlog=4096;
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""


class Nginx(Rival):
    """A master and one worker process."""

    name = "nginx"
    program = "nginx"
    how = "apt-get install nginx"
    summary = "nginx in front of ports: least connections, one worker process"

    def files(self, backends: Mapping[int, str]) -> dict[str, str]:
        servers = "\n".join(f"        server {address} max_fails=0;" for _, address in sorted(backends.items()))
        # Started by root it would run its workers as nobody, who may not enter a directory of ours.
        user = "" if os.geteuid() else f"user {pwd.getpwuid(0).pw_name};\n"
        text = _CONFIG.format(
            directory=self.place.directory,
            user=user,
            servers=servers,
            idle=MAX_IDLE,
            host=self.place.host,
            port=self.place.port,
        )
        return {"nginx.conf": text}

    def command(self) -> list[str]:
        directory = str(self.place.directory)
        return ["nginx", "-p", directory, "-e", "stderr", "-c", self.place.path("nginx.conf"), "-g", "daemon off;"]

    async def use(self, backends: Mapping[int, str], running: Running) -> None:
        """The master starts new worker processes; the old ones accept nothing, and end with their last request."""
        old = _children(running.pid)
        write_files(self.place, self.files(backends))
        running.signal(signal.SIGHUP)
        with trio.move_on_after(DRAIN):
            while old & _children(running.pid):  # noqa: ASYNC110 - of a process that is not our child
                await trio.sleep(LOOK)


def _children(pid: int) -> set[int]:
    """Of a process with one thread."""
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return set()
