"""What cannot be opened or read is known before anything changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from proxy.core.address import parse_address
from proxy.core.config import (
    AccessLog,
    Backend,
    Certificate,
    Config,
    Frontend,
    FrontendTls,
    LogFile,
    Pool,
    PoolTls,
    Respond,
)
from proxy.core.reload.plan import diff
from proxy.serve.reload.rehearsal import Refused, rehearse
from tests.serve.reload.support import FIRST, config

if TYPE_CHECKING:
    from pathlib import Path

OLD = config(FIRST)


def why(new: Config) -> str:
    with pytest.raises(Refused) as caught:
        rehearse(diff(OLD, new))
    return str(caught.value)


def with_frontend(**settings: object) -> Config:
    new = Frontend(name="new", listen=(), respond=Respond(status=200), **settings)  # type: ignore[arg-type] # of it
    return replace(OLD, frontends={**OLD.frontends, "new": new})


def with_pool(**settings: object) -> Config:
    backends = (Backend(address=parse_address(FIRST)),)
    return replace(OLD, pools={**OLD.pools, "new": Pool(name="new", **{"backends": backends, **settings})})  # type: ignore[arg-type] # of it


def test_log_file(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "web.log"
    said = why(with_frontend(access_log=AccessLog(to=LogFile(str(path)))))
    assert said == f"frontend new: cannot open {path}: No such file or directory"
    rehearse(diff(OLD, with_frontend(access_log=AccessLog(to=LogFile(str(tmp_path / "web.log"))))))


def test_certificate() -> None:
    files = Certificate(certificate="/nowhere/site.pem", key="/nowhere/site.key")
    assert "/nowhere/site.pem cannot be read" in why(with_frontend(tls=FrontendTls(certificates=(files,))))


def test_authorities_of_a_pool() -> None:
    assert why(with_pool(tls=PoolTls(ca="/nowhere/ca.pem"))) == "pool new: /nowhere/ca.pem: No such file or directory"
    rehearse(diff(OLD, with_pool(tls=PoolTls(verify=False))))


def test_command(tmp_path: Path) -> None:
    address = parse_address(f"unix:{tmp_path}/nowhere/app.sock")
    assert "nowhere does not exist" in why(with_pool(backends=(Backend(address=address, command=("app",)),)))


def test_all_faults_at_once(tmp_path: Path) -> None:
    bad = with_pool(tls=PoolTls(ca="/nowhere/ca.pem"))
    frontend = with_frontend(access_log=AccessLog(to=LogFile("/nowhere/web.log"))).frontends["new"]
    said = why(replace(bad, frontends={**bad.frontends, "new": frontend}))
    assert "frontend new: " in said
    assert "; pool new: " in said


def test_what_does_not_change_is_not_looked_at() -> None:
    broken = replace(OLD, pools={"app": replace(OLD.pools["app"], tls=PoolTls(ca="/nowhere/ca.pem"))})
    rehearse(diff(broken, broken))
