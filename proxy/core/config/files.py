"""Checks of a configuration against the file system: can its Unix sockets be made, can those of others be there, is
there a token in the file that should have one?"""

import os
import stat
from collections.abc import Iterator

from proxy.core.address import UnixAddress
from proxy.core.config.problem import Finding
from proxy.core.config.sections.admin import check_token
from proxy.core.config.sections.model import Admin, Config

MOST_OF_A_TOKEN = 4096  # characters


def check_files(config: Config) -> Iterator[Finding]:
    if config.admin is not None:
        yield from _check_admin(config.admin)
    for name, frontend in config.frontends.items():
        for index, address in enumerate(frontend.listen):
            if isinstance(address, UnixAddress) and (fault := _why_not_listen(address)):
                yield Finding(path=("frontends", name, "listen", index), message=f"cannot listen on {address}: {fault}")
    for name, pool in config.pools.items():
        for index, backend in enumerate(pool.backends):
            if isinstance(backend.address, UnixAddress) and (fault := _why_not_there(backend.address)):
                path = ("pools", name, "backends", index, "address")
                message = f"nothing can listen on {backend.address} yet: {fault}"
                yield Finding(path=path, message=message, severity="warning")  # it may come later, rproxy starts anyway


def _check_admin(admin: Admin) -> Iterator[Finding]:
    if isinstance(admin.listen, UnixAddress) and (fault := _why_not_listen(admin.listen)):
        yield Finding(path=("admin", "listen"), message=f"cannot listen on {admin.listen}: {fault}")
    try:
        read_token(admin)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        yield Finding(path=("admin", "token_file"), message=f"no token can be read from {admin.token_file}: {why}")


def read_token(admin: Admin) -> str | None:
    """What changes have to be authorised with; None where nothing may be changed. Raises OSError and ValueError."""
    if admin.token_file is None:
        return admin.token
    with open(admin.token_file, encoding="ascii", errors="replace") as file:
        return check_token(file.readline(MOST_OF_A_TOKEN).strip())


def _why_not_listen(address: UnixAddress) -> str:
    """Empty if nothing stands in the way. A socket that exists may be stale, or ours, or a socket unit's: only bind can
    judge it, and where it need not be bound, its directory need not be ours."""
    if address.is_abstract:
        return ""
    directory = os.path.dirname(address.path)
    if fault := _no_directory(directory):
        return fault
    if os.path.lexists(address.path):
        return "" if stat.S_ISSOCK(os.lstat(address.path).st_mode) else "something that is not a socket has this name"
    if not os.access(directory, os.W_OK | os.X_OK):
        return f"this user may not make files in the directory {directory}"
    return ""


def _why_not_there(address: UnixAddress) -> str:
    return "" if address.is_abstract else _no_directory(os.path.dirname(address.path))


def _no_directory(path: str) -> str:
    if os.path.isdir(path):
        return ""
    return f"{path} is not a directory" if os.path.exists(path) else f"there is no directory {path}"
