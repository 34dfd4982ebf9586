"""Hostile requests by family: what is known of request smuggling, and everything near it that two parsers might read
in two ways.

Each function in the `_cases` files makes the cases of one family. A case says what must become of it where that is
clear from the RFCs; what is asked of every case, whatever it says, stands in `trial.faults`.
"""

from __future__ import annotations

from tests.hostile import framing_cases, line_cases, session_cases
from tests.hostile.case import FAMILIES, Case, Forwarded, Refused, Waiting

__all__ = ["FAMILIES", "Case", "Forwarded", "Refused", "Waiting", "cases"]

FILES = (framing_cases, line_cases, session_cases)  # imported for the families that they register


def cases(name: str) -> list[Case]:
    return [Case(name, *draft) for draft in FAMILIES[name]()]
