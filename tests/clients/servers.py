"""nginx and haproxy, run for one test in a directory of their own."""

from __future__ import annotations

import contextlib
import textwrap
from typing import TYPE_CHECKING

from tests.clients.support import program, spawn
from tests.processes import end_group, wait_listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NGINX = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {http}
}}
"""


@contextlib.contextmanager
def nginx(directory: Path, address: str, http: str) -> Iterator[None]:
    """Listening on `address` when the block begins. http: the inside of its block, with a server for that address."""
    path = directory / "nginx.conf"
    path.write_text(_NGINX.format(directory=directory, http=textwrap.dedent(http)))
    command = (program("nginx"), "-p", str(directory), "-e", "stderr", "-c", str(path))
    with _running(directory, command, address):
        yield


@contextlib.contextmanager
def haproxy(directory: Path, address: str, config: str) -> Iterator[None]:
    path = directory / "haproxy.cfg"
    path.write_text(textwrap.dedent(config))
    with _running(directory, (program("haproxy"), "-db", "-f", str(path)), address):
        yield


@contextlib.contextmanager
def _running(directory: Path, command: tuple[str, ...], address: str) -> Iterator[None]:
    process = spawn(directory, command)
    try:
        try:
            wait_listening(address, process=process)
        except AssertionError as error:
            raise AssertionError((directory / "stderr").read_text()) from error
        yield
    finally:
        end_group(process)
