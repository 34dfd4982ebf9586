"""Users and groups that a file names, compared with those of this machine."""

import grp
import os
import pwd

from proxy.core.config import Config, Frontend, ListenOptions
from proxy.core.config.sections.users import check_users

ROOT, SOMEBODY = 0, 65534


def found(config: Config, euid: int = ROOT) -> list[tuple[str, str, str]]:
    return [(str(f.path[-1]), f.message, f.hint) for f in check_users(config, euid=euid)]


def config(user: str | None = None, group: str | None = None, **socket: str) -> Config:
    return Config(user=user, group=group, frontends={"web": Frontend(name="web", socket=ListenOptions(**socket))})


def own_group() -> str:
    return grp.getgrgid(os.getgid()).gr_name


def test_nothing_is_named() -> None:
    assert found(config(), SOMEBODY) == []


def test_known_names() -> None:
    root, group = pwd.getpwuid(0).pw_name, grp.getgrgid(0).gr_name
    assert found(config(root, group, unix_owner=root, unix_group=group)) == []


def test_unknown_names() -> None:
    assert found(config("rooot", "rooot")) == [
        ("user", 'this machine has no user "rooot"', 'did you mean "root"?'),
        ("group", 'this machine has no group "rooot"', 'did you mean "root"?'),
    ]
    messages = [message for _, message, _ in found(config(unix_owner="qzqzqz", unix_group="qzqzqz"))]
    assert messages == ['this machine has no user "qzqzqz"', 'this machine has no group "qzqzqz"']


def test_only_root_can_become_another() -> None:
    own = pwd.getpwuid(os.geteuid())
    (problem,) = found(config("root"), SOMEBODY)
    assert problem[0] == "user"
    assert problem[1] == f'only root can do this for "root", and this is user {own.pw_name}'
    assert found(config(own.pw_name), own.pw_uid) == []
    assert found(config(unix_group=own_group()), SOMEBODY) == []
