"""An application as systemd units, in each of the ways in which systemd can spread it over processes."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.lab.emit.exec_line import exec_line, instance_line, single_line
from proxy.lab.emit.unit_files import service, socket, target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.lab.application import Application
    from proxy.lab.emit.unit_files import Limits, Place

_NON_BLOCKING = """\
# The instances share the state of the socket. Without this line systemd makes it a blocking one at every start, and an
# instance whose connection another one has just taken would hang in accept().
NonBlocking=yes
"""
PASSED = 3  # the descriptor of the first socket that systemd passes: SD_LISTEN_FDS_START


@dataclass(frozen=True, slots=True)
class Units:
    """files: texts by name. start: the units to start, all that is needed; the target has the same.

    instance: the units of one worker, of which {} is the number; the last of them is its service. No {}: there is one
    worker only. Empty: there are none that last.
    """

    files: Mapping[str, str]
    start: tuple[str, ...]
    instance: tuple[str, ...] = ()

    def of(self, number: int) -> list[str]:
        """The units of that worker, its service last."""
        return [name.format(number) for name in self.instance]


def single(application: Application, place: Place, host: str, port: int) -> Units:
    """One process that listens itself."""
    line = single_line(application, "port", host=host, port=port)
    name = f"{place.name}.service"
    return _units(place, {name: service(place, line, what=application.name)}, (name,), (name,))


def reuseport(
    application: Application, place: Place, workers: int, host: str, port: int, limits: Limits = "sane"
) -> Units:
    """Instances that share a port with SO_REUSEPORT, which they set themselves. No socket unit: its own socket would be
    in the group too, and nobody would accept there."""
    line = instance_line(application, "reuseport", host=host, port=port)
    text = service(place, line, what=f"{application.name}, worker %i", limits=limits)
    return _instances(place, {f"{place.name}@.service": text}, workers)


def socket_instances(application: Application, place: Place, workers: int) -> Units:
    """A socket unit for each instance, all on one port: systemd keeps the queue of an instance that restarts."""
    own = f"{place.name}@%i.socket"
    line = instance_line(application, "fd", fd=PASSED)
    files = {
        f"{place.name}@.socket": socket(place, what=f"Listening socket %i of {place.name}", section="ReusePort=yes\n"),
        f"{place.name}@.service": service(
            place, line, what=f"{application.name}, worker %i", unit=f"Requires={own}\nAfter={own}\n"
        ),
    }
    return _instances(place, files, workers, (f"{place.name}@{{}}.socket",))


def socket_shared(application: Application, place: Place, workers: int) -> Units:
    """One socket unit, passed to every instance: pre-fork without a master."""
    own = f"{place.name}.socket"
    line = instance_line(application, "fd", fd=PASSED)
    files = {
        own: socket(place, what=f"Listening socket of {place.name}", section=f"Service={place.name}@1.service\n"),
        f"{place.name}@.service": service(
            place, line, what=f"{application.name}, worker %i",
            unit=f"Requires={own}\nAfter={own}\n", section=f"Sockets={own}\n{_NON_BLOCKING}",
        ),
    }  # fmt: skip
    return _instances(place, files, workers)


def socket_one(application: Application, place: Place) -> Units:
    """One process, and a socket unit that keeps its queue while it restarts."""
    name, own = f"{place.name}.service", f"{place.name}.socket"
    files = {
        own: socket(place, what=f"Listening socket of {place.name}"),
        name: service(
            place, single_line(application, "fd", fd=PASSED),
            what=application.name, unit=f"Requires={own}\nAfter={own}\n",
        ),
    }  # fmt: skip
    return _units(place, files, (own, name), (name,))


def accept(application: Application, place: Place, connections: int = 512) -> Units:
    """A process per connection. connections: at once; one more is reset. systemd's own number is 64."""
    own = f"{place.name}.socket"
    text = service(
        place, instance_line(application, "stdio"), what=f"{application.name}, connection %i", restart=False,
        limits="defaults", unit="CollectMode=inactive-or-failed\n",
        section="StandardInput=socket\nStandardError=journal\n",
    )  # fmt: skip
    limits = f"Accept=yes\nMaxConnections={connections}\n"
    files = {
        own: socket(place, what=f"Listening socket of {place.name}", section=limits),
        f"{place.name}@.service": text,
    }
    return _units(place, files, (own,), ())


def socat_loops(application: Application, place: Place, workers: int, host: str, port: int) -> Units:
    """Loops of a shell around socat: who is idle listens. The application reads one job from its standard input. host:
    IPv4. A job that is being done ends with its loop, and blind senders lose jobs: they have to read until the end."""
    words = shlex.join(application.command("stdio", worker="{worker}"))
    script = f"while :; do socat -u TCP-LISTEN:{port},bind={host},reuseport STDOUT | {words}; done"
    line = exec_line(["/bin/sh", "-c", script]).replace("{worker}", "%i")
    text = service(place, line, what=f"{application.name}, loop %i")
    return _instances(place, {f"{place.name}@.service": text}, workers)


def _instances(place: Place, files: Mapping[str, str], workers: int, before: tuple[str, ...] = ()) -> Units:
    instance = (*before, f"{place.name}@{{}}.service")
    start = tuple(instance[-1].format(number) for number in range(1, workers + 1))
    return _units(place, files, start, instance)


def _units(place: Place, files: Mapping[str, str], start: tuple[str, ...], instance: tuple[str, ...]) -> Units:
    return Units({**files, place.target: target(place, start)}, start, instance)
