"""New certificates without a restart: their files are looked at every few seconds, and read again when one changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from proxy.serve.machine.file_stamp import stamp_of
from proxy.serve.tls.certificates import CertificateError, ServerTls, read_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core import config
    from proxy.engine.frontend import Frontend
    from proxy.serve.machine.file_stamp import Stamp

log = logging.getLogger("rproxy.certificates")

EVERY = 5.0  # seconds between looks, at each file


class WatchedCertificates:
    """Those of one frontend. current: in use."""

    def __init__(self, settings: config.Frontend) -> None:
        """Raises CertificateError."""
        self._settings = settings
        self._stamp = self._look()  # before they are read: what changes meanwhile is seen the next time
        self.current = read_certificates(settings)

    async def follow(self, frontend: Frontend, *, is_asked: bool) -> None:
        """Takes new ones in use, all or none: handshakes under way keep theirs. Files that cannot be used are told of
        once, until one of them changes again. is_asked: reads them in any case."""
        stamp = self._look()
        if stamp == self._stamp and not is_asked:
            return
        self._stamp = stamp
        try:
            self.current = await trio.to_thread.run_sync(read_certificates, self._settings)
        except CertificateError as error:
            log.error("%s: the certificates stay as they were: %s", frontend.config.name, error)
            return
        if frontend.config.tls != self._settings.tls:
            return  # a reload has chosen others meanwhile
        frontend.tls = self.current.context
        log.info("%s: new certificates: %s", frontend.config.name, _described(self.current))

    def _look(self) -> tuple[Stamp | None, ...]:
        return tuple(map(stamp_of, _files(self._settings)))


class CertificateWatch:
    """Of all frontends."""

    def __init__(self, settings: dict[str, config.Frontend]) -> None:
        """Reads them. Raises CertificateError."""
        self.watched = {name: WatchedCertificates(frontend) for name, frontend in settings.items() if frontend.tls}
        self._asked = trio.Event()

    def look_now(self) -> None:
        """Reads all of them again, changed or not."""
        self._asked.set()

    async def run(self, frontends: dict[str, Frontend]) -> None:
        """Until cancelled."""
        while True:
            with trio.move_on_after(EVERY):
                await self._asked.wait()
            is_asked = self._asked.is_set()
            self._asked = trio.Event()
            for name, watched in list(self.watched.items()):
                if name in frontends:  # a reload may take it away meanwhile
                    await watched.follow(frontends[name], is_asked=is_asked)


def _files(settings: config.Frontend) -> Iterator[str]:
    assert settings.tls is not None
    for files in settings.tls.certificates:
        yield files.certificate
        yield files.key
    if settings.tls.client_ca is not None:
        yield settings.tls.client_ca


def _described(tls: ServerTls) -> str:
    return "; ".join(f"{', '.join(shown.names)} until {shown.not_after:%Y-%m-%d}" for shown in tls.shown)
