"""Checks of `user` and `group`, and of the owners of Unix sockets, against the users of this machine."""

import grp
import os
import pwd
from collections.abc import Callable, Iterable, Iterator

from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding
from proxy.core.config.sections.model import Config
from proxy.core.config.suggest import nearest


def check_users(config: Config, *, euid: int | None = None) -> Iterator[Finding]:
    """euid: whom rproxy is started by; None for the user of this process."""
    euid = os.geteuid() if euid is None else euid
    names = list(_names(config))
    unknown = [finding for path, name, is_group in names for finding in _check_name(path, name, is_group)]
    yield from unknown
    if euid != 0 and not unknown:
        yield from (_not_root(path, name) for path, name, is_group in names if not _is_own(name, is_group, euid))


def _names(config: Config) -> Iterator[tuple[Path, str, bool]]:
    """Where a user or group is named, its name, and whether it is a group."""
    places: list[tuple[Path, str | None, bool]] = [(("user",), config.user, False), (("group",), config.group, True)]
    for name, frontend in config.frontends.items():
        path = ("frontends", name, "socket")
        places.append(((*path, "unix_owner"), frontend.socket.unix_owner, False))
        places.append(((*path, "unix_group"), frontend.socket.unix_group, True))
    yield from ((path, name, is_group) for path, name, is_group in places if name is not None)


def _check_name(path: Path, name: str, is_group: bool) -> Iterator[Finding]:
    find: Callable[[str], object] = grp.getgrnam if is_group else pwd.getpwnam
    try:
        find(name)
    except KeyError:
        kind = "group" if is_group else "user"
        known: Iterable[str] = (g.gr_name for g in grp.getgrall()) if is_group else (u.pw_name for u in pwd.getpwall())
        meant = nearest(name, known)
        hint = f'did you mean "{meant}"?' if meant else ""
        yield Finding(path=path, message=f'this machine has no {kind} "{name}"', hint=hint)


def _is_own(name: str, is_group: bool, euid: int) -> bool:
    return (
        grp.getgrnam(name).gr_gid in (os.getegid(), *os.getgroups()) if is_group else pwd.getpwnam(name).pw_uid == euid
    )


def _not_root(path: Path, name: str) -> Finding:
    return Finding(
        path=path,
        message=f'only root can do this for "{name}", and this is user {_own_name()}',
        hint="start rproxy as root, or remove this line and start it as the user that it should be",
    )


def _own_name() -> str:
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
