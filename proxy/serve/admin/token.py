"""Who may change something: whoever has the token."""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from proxy.core.config.files import read_token

if TYPE_CHECKING:
    from proxy.core.config import Admin
    from proxy.serve.control.controller import Controller

log = logging.getLogger("rproxy.admin")

NO_TOKEN = 'nothing can be changed here: [admin] has neither "token" nor "token_file"'
BEARER = HTTPBearer(auto_error=False, description="The token of [admin].")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


class Guard:
    """A dependency of paths that change something. The token is read once for each configuration."""

    def __init__(self, controller: Controller) -> None:
        """Raises OSError and ValueError, if the file with the token has changed since the configuration was checked."""
        self._controller = controller
        self._settings = controller.config.admin
        self._token = read_token(self._settings) if self._settings is not None else None

    def __call__(self, credentials: Credentials) -> None:
        """Raises HTTPException: 403 where nobody may change anything, 401 for another token, or none."""
        token = self._present()
        if token is None:
            raise HTTPException(403, NO_TOKEN)
        given = credentials.credentials if credentials is not None else ""
        if not hmac.compare_digest(given.encode(), token.encode()):  # takes as long for any wrong one
            raise HTTPException(
                401,
                "this is not the token" if given else "the header is missing: Authorization: Bearer TOKEN",
                {"WWW-Authenticate": "Bearer"},
            )

    def _present(self) -> str | None:
        settings = self._controller.config.admin
        if settings is not self._settings and settings is not None:
            self._settings = settings
            self._read(settings)
        return self._token

    def _read(self, settings: Admin) -> None:
        """After a reload. One that cannot be read by the user that we are now leaves the old one as it is."""
        try:
            self._token = read_token(settings)
        except (OSError, ValueError) as error:
            log.error("the token of [admin] stays as it was: %s: %s", settings.token_file, error)
