"""What a reload does: the difference between two configurations.

A plan names single settings, backends, pools and frontends, so that whatever it does not name is left alone: balance
state, idle connections, health, listeners, processes.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from proxy.core.config import Backend, Config, Frontend, Pool

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Change = TypeVar("Change")
Path = tuple[str, ...]

# What a process is from its start on; another value counts from the next start or upgrade. Paths below the file, and
# below a frontend.
AT_START: frozenset[Path] = frozenset(
    {("workers",), ("user",), ("group",), ("admin",), ("admin", "listen"), ("admin", "unix_mode")}
)
AT_BIND: frozenset[Path] = frozenset({("socket", "reuse_port")})


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that changed. path: of its names below the table that it is told of."""

    path: Path
    old: object
    new: object


@dataclass(frozen=True, slots=True)
class Changes(Generic[Key, Item, Change]):
    """added, removed: as they are in the new, and were in the old one. changed: what has become of those in both."""

    added: Mapping[Key, Item] = field(default_factory=dict)
    removed: Mapping[Key, Item] = field(default_factory=dict)
    changed: Mapping[Key, Change] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


Settings = tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class PoolChange:
    """backends: by address as text. Their order means nothing, and a change of it is none."""

    settings: Settings
    backends: Changes[str, Backend, Settings]

    def __bool__(self) -> bool:
        return bool(self.settings or self.backends)

    def touches(self, *names: str) -> bool:
        """Whether one of the pool's own settings of these names, or within these tables, changed."""
        return any(setting.path[0] in names for setting in self.settings)


@dataclass(frozen=True, slots=True)
class Plan:
    """config: what holds afterwards: the new one, but for what changes `later`, at the next start or upgrade."""

    config: Config
    settings: Settings
    frontends: Changes[str, Frontend, Settings]
    pools: Changes[str, Pool, PoolChange]
    later: Settings

    def __bool__(self) -> bool:
        """Whether anything changes now."""
        return bool(self.settings or self.frontends or self.pools)


def diff(old: Config, new: Config) -> Plan:
    """What leads from `old`, which is in use, to `new`. O(size of both)."""
    later = [setting for setting in _settings(old, new, "frontends", "pools") if setting.path in AT_START]
    config = _keeping(new, later)
    frontends = {}
    for name, frontend in new.frontends.items():
        kept = [s for s in _settings(old.frontends.get(name, frontend), frontend, "name") if s.path in AT_BIND]
        frontends[name] = _keeping(frontend, kept)
        later += [replace(setting, path=("frontends", name, *setting.path)) for setting in kept]
    config = replace(config, frontends=frontends)
    return Plan(
        config=config,
        settings=_settings(old, config, "frontends", "pools"),
        frontends=_compare(old.frontends, frontends, _settings),
        pools=_compare(old.pools, new.pools, _compare_pools),
        later=tuple(later),
    )


def _compare(old: Mapping[Key, Item], new: Mapping[Key, Item], compare: Any) -> Changes[Key, Item, Any]:
    return Changes(
        added={key: item for key, item in new.items() if key not in old},
        removed={key: item for key, item in old.items() if key not in new},
        changed={key: change for key, item in new.items() if key in old and (change := compare(old[key], item))},
    )


def _compare_pools(old: Pool, new: Pool) -> PoolChange:
    before = {str(backend.address): backend for backend in old.backends}
    after = {str(backend.address): backend for backend in new.backends}
    return PoolChange(_settings(old, new, "backends"), _compare(before, after, _settings))


def _settings(old: object, new: object, *but: str) -> Settings:
    return tuple(setting for setting in _walk(old, new, ()) if setting.path[0] not in but)


def _walk(old: Any, new: Any, path: Path) -> Iterator[Setting]:
    """Into tables that are on both sides; a list is one value."""
    if old == new:
        return
    if not (is_dataclass(old) and type(old) is type(new) and (not path or _is_table(old))):
        yield Setting(path, old, new)
        return
    for each in fields(old):
        yield from _walk(getattr(old, each.name), getattr(new, each.name), (*path, each.name))


def _is_table(value: Any) -> bool:
    """Addresses are dataclasses too, but one word in the file."""
    return hasattr(type(value), "__pydantic_config__")


def _keeping(new: Any, settings: list[Setting]) -> Any:
    """With the old values of these."""
    for setting in settings:
        new = put(new, setting.path, setting.old)
    return new


def put(table: Any, path: Path, value: object) -> Any:
    """The table with another value there; it is a copy, as far down as needed."""
    name, *rest = path
    return replace(table, **{name: put(getattr(table, name), tuple(rest), value) if rest else value})
