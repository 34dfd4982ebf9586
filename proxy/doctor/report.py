"""An examination as people read it, and as programs do."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from proxy.doctor.examine import CHECKS

if TYPE_CHECKING:
    from proxy.doctor.examine import Examination
    from proxy.doctor.finding import Finding

WIDTH = 100


def as_text(found: Examination) -> str:
    """A paragraph for each finding, the worst first, and a line that counts them; ends in a newline."""
    return "\n".join([*(_paragraph(finding) for _, finding in found.findings), _summary(found) + "\n"])


def as_json(found: Examination) -> str:
    """One object: status, checks (all names) and findings, each with its check; ends in a newline."""
    findings = [{"check": check, **asdict(finding)} for check, finding in found.findings]
    return json.dumps({"status": found.status, "checks": list(CHECKS), "findings": findings}, indent=2) + "\n"


def _paragraph(finding: Finding) -> str:
    head = f"{finding.level}: {finding.where}: {finding.what}"
    why = textwrap.fill(finding.why, WIDTH, initial_indent="  ", subsequent_indent="  ")
    return "\n".join([head, why, *(f"    {line}" for line in finding.fix), ""])


def _summary(found: Examination) -> str:
    counts = Counter(finding.level for _, finding in found.findings)
    parts = [
        f"{counts[level]} {level}{'s' if counts[level] > 1 else ''}"
        for level in ("problem", "warning", "note")
        if counts[level]
    ]
    quiet = [name for name in CHECKS if name not in {check for check, _ in found.findings}]
    said = ", ".join(parts) if parts else "nothing found"
    text = f"{len(CHECKS)} checks: {said}" + (f"; fine: {', '.join(quiet)}" if parts and quiet else "")
    unseen = (
        ""
        if found.machine.listening is not None
        else "\nThis kernel does not tell who listens where: those checks saw nothing."
    )
    return textwrap.fill(text, WIDTH) + unseen
