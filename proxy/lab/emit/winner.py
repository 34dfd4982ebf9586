"""What did best, as files to deploy and a README that says what they are and how to install them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.lab.application import BadApplication
from proxy.lab.emit.units import units_for
from proxy.lab.emit.wish import Files, NoUnits

if TYPE_CHECKING:
    from proxy.lab.analysis.summary import Way
    from proxy.lab.analysis.verdict import Verdict
    from proxy.lab.emit.wish import Wish

README = "README.md"
LB_TOML = "lb.toml"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The best that there are files for. passed_over: what did better, with why there are none for it."""

    way: Way
    files: Files
    passed_over: tuple[tuple[Way, str], ...]


def choose(verdict: Verdict, wish: Wish) -> Chosen:
    """Raises NoUnits when there are files for none of those that were measured."""
    passed_over: list[tuple[Way, str]] = []
    for way in verdict.ranking.order:
        try:
            return Chosen(way, units_for(way.model, way.variant, wish), tuple(passed_over))
        except (NoUnits, BadApplication) as error:
            passed_over.append((way, str(error)))
    reasons = "; ".join(f"{way}: {why}" for way, why in passed_over)
    raise NoUnits(f"nothing to deploy: {reasons or 'nothing was measured'}")


def emit(verdict: Verdict, wish: Wish, directory: str) -> list[str]:
    """Writes them; the names. Raises NoUnits or OSError."""
    chosen = choose(verdict, wish)
    chosen.files.write(directory)
    with open(os.path.join(directory, README), "w", encoding="utf-8") as file:
        file.write(readme(chosen, verdict, wish))
    return [*chosen.files.names, README]


def readme(chosen: Chosen, verdict: Verdict, wish: Wish) -> str:
    parts = [
        f"# {wish.application.name}: {chosen.way}",
        f"`rproxy compare` said: {verdict.headline}",
        *(f"- {reason}" for reason in verdict.reasons),
        *(f"There are no files for {way}, which did better: {why}" for way, why in chosen.passed_over),
        f"{wish.workers} processes in {wish.directory}, serving {wish.listen}. As root, in this directory:",
        _code(chosen.files.commands(".")),
    ]
    if LB_TOML in chosen.files.names:
        parts += ["Or without systemd:", _code(_WITHOUT_SYSTEMD)]
    return "\n\n".join(parts) + "\n"


_WITHOUT_SYSTEMD = [
    'sudo install -d -o "$USER" /run/rproxy    # for Unix sockets',
    "rproxy check lb.toml",
    "rproxy --config lb.toml",
]


def _code(lines: list[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
