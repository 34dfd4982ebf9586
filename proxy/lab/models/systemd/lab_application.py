"""The application with its programs found, as a deployment wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.application import BadApplication
from proxy.lab.deployment import DeployError
from proxy.lab.emit.located import located

if TYPE_CHECKING:
    from proxy.lab.application import Application
    from proxy.lab.deployment import DeploymentSpec


def lab_application(spec: DeploymentSpec) -> Application:
    """Raises DeployError."""
    try:
        return located(spec.application)
    except BadApplication as error:
        raise DeployError(str(error)) from error
