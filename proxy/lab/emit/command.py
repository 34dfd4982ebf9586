"""`rproxy units` as a program."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from proxy.lab.compare.command import application_of
from proxy.lab.emit.units import units_for
from proxy.lab.emit.wish import NoUnits, Wish
from proxy.lab.models.registry import MODELS

if TYPE_CHECKING:
    import argparse

BAD_OPTION = 2
_NAME = re.compile(r"[A-Za-z0-9:_.-]+")  # of a unit, without what would make an instance or a path of it


def run(arguments: argparse.Namespace) -> int:
    """Writes the files and says which, and how to install them. The exit status: 0, or 2 with a sentence."""
    try:
        wish = wish_of(arguments)
        _check_variant(arguments.model, arguments.variant, wish)
        files = units_for(arguments.model, arguments.variant, wish)
        files.write(arguments.dir)
    except (ValueError, OSError) as error:  # NoUnits, BadApplication and AddressError among them
        sys.stderr.write(f"rproxy units: {error}\n")
        return BAD_OPTION
    for name in files.names:
        print(f"{arguments.dir}/{name}")
    print("\nAs root, on the machine that is to serve:")
    for line in files.commands(arguments.dir):
        print(f"  {line}")
    return 0


def _check_variant(model: str, variant: str, wish: Wish) -> None:
    """Raises NoUnits. What model there is, `units_for` says."""
    known = MODELS[model].variants(wish.application) if model in MODELS else ()
    if variant and known and variant not in known:
        raise NoUnits(f"{model} has no variant {variant!r}: one of {', '.join(known)}")


def wish_of(arguments: argparse.Namespace) -> Wish:
    """Raises ValueError."""
    if not _NAME.fullmatch(arguments.name):
        raise ValueError(f"--name {arguments.name}: letters, digits, and : _ . - make a unit's name")
    if arguments.workers < 1:
        raise ValueError(f"--workers {arguments.workers}: at least 1")
    return Wish(
        application_of(arguments), arguments.workers, arguments.listen, user=arguments.user, name=arguments.name
    )
