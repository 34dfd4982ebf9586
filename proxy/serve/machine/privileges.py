"""Gives up what root may do, for good, once everything that needs it is done: ports, files, certificates."""

from __future__ import annotations

import ctypes
import encodings.ascii
import encodings.idna
import encodings.utf_8_sig  # noqa: F401 - of certificates, host names, our file; later they might not be readable any more
import grp
import logging
import os
import pwd
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from proxy.core.config import Config

log = logging.getLogger("rproxy")

PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h


class PrivilegeError(Exception):
    """Why rproxy cannot become the user that it should be; one line."""


class Identity(NamedTuple):
    """A user of this machine, with the group and the groups that its processes have."""

    name: str
    uid: int
    gid: int
    home: str

    @property
    def environment(self) -> dict[str, str]:
        """What programs go by to know whose they are."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}

    @property
    def groups(self) -> list[int]:
        return os.getgrouplist(self.name, self.gid)

    @property
    def is_ours(self) -> bool:
        return (os.geteuid(), os.getegid()) == (self.uid, self.gid)


def identity_of(config: Config) -> Identity | None:
    """Of `user`, with its own group or `group`; None without `user`. Raises PrivilegeError."""
    if config.user is None:
        return None
    try:
        user = pwd.getpwnam(config.user)
        gid = grp.getgrnam(config.group).gr_gid if config.group is not None else user.pw_gid
    except KeyError as error:
        raise PrivilegeError(str(error.args[0])) from None
    return Identity(user.pw_name, user.pw_uid, gid, user.pw_dir)


def drop(config: Config) -> None:
    """Becomes `user`, with its groups or `group`; without `user` nothing changes. Raises PrivilegeError.

    Also the environment's HOME, USER and LOGNAME, for managed backends, which are started as this user. No program
    that is started from here on gains anything by a set-user-ID bit (prctl(2)).
    """
    identity = identity_of(config)
    if identity is None:
        return
    if not identity.is_ours:
        _become(identity.name, identity.uid, identity.gid)
    _refuse_new_privileges()
    os.environ.update(identity.environment)
    log.info("running as user %s, group %s", identity.name, identity.gid)
    is_managing = any(backend.command for pool in config.pools.values() for backend in pool.backends)
    if is_managing and not can_read_python():
        log.warning("user %s cannot read the Python that runs rproxy: no managed backend will start", identity.name)


def can_read_python() -> bool:
    """Whether more of it can be imported, as who we are now. Root's own, in its home, cannot be read by others."""
    return os.access(sys.executable, os.X_OK) and os.access(os.__file__, os.R_OK)


def _become(name: str, uid: int, gid: int) -> None:
    """In this order: with the user, the right to change groups is gone. Real, effective and saved ids alike, so that
    there is no way back, which is tried."""
    try:
        os.initgroups(name, gid)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    except PermissionError:
        raise PrivilegeError(f"only root can become user {name}, and this is user id {os.geteuid()}") from None
    if os.getresuid() != (uid, uid, uid) or os.getresgid() != (gid, gid, gid) or (uid and _can_become_root()):
        raise PrivilegeError(f"the kernel let this process become user {name} only in part")


def _can_become_root() -> bool:
    try:
        os.setuid(0)
    except PermissionError:
        return False
    return True


def _refuse_new_privileges() -> None:
    if ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise PrivilegeError("prctl(PR_SET_NO_NEW_PRIVS) failed")
