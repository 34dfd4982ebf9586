"""Programs are found where a shell would find them, and named with their whole path."""

from __future__ import annotations

import os
import sys

import pytest

from proxy.lab.application import BadApplication, parse_application
from proxy.lab.emit.located import located


def test_programs_have_whole_paths_afterwards() -> None:
    application = located(parse_application(["python -m http.server {port}"], stdio=["cat -u"]))
    assert application.commands["port"] == (
        os.path.join(os.path.dirname(sys.executable), "python"),
        *("-m", "http.server", "{port}"),
    )
    assert application.commands["stdio"][0] in ("/bin/cat", "/usr/bin/cat")


def test_one_that_is_not_there_is_named() -> None:
    with pytest.raises(BadApplication, match=r"nothing-of-that-name: not found in /.*"):
        located(parse_application(["nothing-of-that-name {port}"]))
