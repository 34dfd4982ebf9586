"""A plan in words, a line for each thing that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from proxy.core.reload.plan import Changes, Plan, PoolChange, Setting, Settings

_SECRET = frozenset({"token"})
_SCALARS = (str, int, float, bool, type(None))


def lines(plan: Plan) -> list[str]:
    """For people, a line each: `+ ` is added, `- ` removed, `~ ` changed, `! ` waits for the next start."""
    found = [
        *_changed("", plan.settings),
        *_named("pool", plan.pools, lambda name, change: _pool_lines(f"pool {name}: ", change)),
        *_named("frontend", plan.frontends, lambda name, settings: _changed(f"frontend {name}: ", settings)),
        *(f"! {_words(setting)}, from the next start or upgrade on" for setting in plan.later),
    ]
    return found or ["nothing changes"]


def _named(
    kind: str, changes: Changes[str, Any, Any], of_changed: Callable[[str, Any], Iterable[str]]
) -> Iterator[str]:
    for name, change in changes.changed.items():
        yield from of_changed(name, change)
    yield from (f"+ {kind} {name}" for name in changes.added)
    yield from (f"- {kind} {name}" for name in changes.removed)


def _pool_lines(where: str, change: PoolChange) -> Iterator[str]:
    yield from _changed(where, change.settings)
    for address, settings in change.backends.changed.items():
        yield from _changed(f"{where}backend {address}: ", settings)
    for address, backend in change.backends.added.items():
        yield f"+ {where}backend {address}" + (f", weight {backend.weight}" if backend.weight != 1 else "")
    yield from (f"- {where}backend {address}" for address in change.backends.removed)


def _changed(where: str, settings: Settings) -> Iterator[str]:
    for setting in settings:
        if setting.path == ("listen",):
            yield from _moved(where, setting)
        else:
            yield f"~ {where}{_words(setting)}"


def _moved(where: str, setting: Setting) -> Iterator[str]:
    """Of a list of addresses those that came and went; where only the order is another, nothing."""
    before, after = (list(map(str, addresses)) for addresses in (setting.old, setting.new))  # type: ignore[call-overload]
    yield from (f"+ {where}listen {address}" for address in after if address not in before)
    yield from (f"- {where}listen {address}" for address in before if address not in after)


def _words(setting: Setting) -> str:
    """Both values where they are short; a list or a table is only named, since a reader has the file."""
    name = ".".join(setting.path)
    if setting.path[-1] in _SECRET or not all(isinstance(value, _SCALARS) for value in (setting.old, setting.new)):
        return f"{name} changed"
    return f"{name} {_show(setting.old)} -> {_show(setting.new)}"


def _show(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}s"  # every float of the configuration is a duration
    return "none" if value is None else str(value)
