"""Every hostile case through a running proxy with a recording backend: whole, byte by byte, and cut at random."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.hostile import corpus
from tests.hostile.trial import faults, rig, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Figures
    from tests.hostile.corpus import Case
    from tests.hostile.trial import Result, Rig

BYTE_BY_BYTE = 1500  # up to this size; larger ones are cut at random
CASES = {name: corpus.cases(name) for name in corpus.FAMILIES}


@pytest.fixture(scope="module")
def totals(figures: Figures) -> Iterator[Counter[str]]:
    counted: Counter[str] = Counter()
    yield counted
    figures("hostile: corpus of " + ", ".join(f"{number:,} {what}" for what, number in counted.items()))


def test_the_corpus_is_large_and_has_no_doubles(totals: Counter[str]) -> None:
    everything = [case for found in CASES.values() for case in found]
    assert len({case.data for case in everything}) >= 400
    assert len({str(case) for case in everything}) == len(everything)
    totals["distinct cases"] = len({case.data for case in everything})
    totals["families"] = len(CASES)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
async def test_family(name: str, totals: Counter[str]) -> None:
    wrong = []
    async with rig() as running:
        for case in CASES[name]:
            if len(wrong) > 20:
                break  # a proxy that gets so much wrong makes us wait for much
            wrong += [f"{case}: {fault}" for fault in await wrongs(running, case)]
        totals["connections"] += running.trials
        totals["refused"] += running.refused
        totals["requests at the backend, each as it was meant"] += len(running.backend.seen)
    assert not wrong, "\n".join(wrong)


async def wrongs(running: Rig, case: Case) -> list[str]:
    """What is wrong with a case, sent whole and in other pieces: the same must come of it."""
    data = case.data + running.canary()
    whole = await running.send([data], data)
    found = faults(whole) + outcome_faults(case, whole)
    for how, pieces in cuts(case.data + (canary := running.canary())):
        result = await running.send(pieces, case.data + canary, wait=True)
        found += [f"{how}: {fault}" for fault in faults(result) + outcome_faults(case, result)]
        if summary(result) != summary(whole):
            found.append(f"{how}: {summary(result)} instead of {summary(whole)}")
    return found


def cuts(data: bytes) -> Iterator[tuple[str, list[bytes]]]:
    if len(data) <= BYTE_BY_BYTE:
        yield "byte by byte", [data[i : i + 1] for i in range(len(data))]
    rng = Random(len(data))
    at = sorted({rng.randrange(1, len(data)) for _ in range(6)})
    yield f"cut at {at}", [data[i:j] for i, j in zip([0, *at], [*at, len(data)], strict=True)]


def outcome_faults(case: Case, result: Result) -> list[str]:
    """Against what the case itself says; the strict reading was compared by `faults`."""
    targets = tuple(target for target in result.targets if not target.startswith(b"/canary"))
    outcome = case.outcome
    if isinstance(outcome, corpus.Refused):
        if targets != outcome.after or result.refusal is None:
            return [f"forwarded {targets}, {result.refusal}, instead of refused"]
        if outcome.statuses and result.refusal not in outcome.statuses:
            return [f"refused with {result.refusal} instead of {outcome.statuses}"]
    elif isinstance(outcome, corpus.Forwarded):
        if targets != outcome.targets or result.refusal is not None:
            return [f"forwarded {targets}, refused with {result.refusal}, instead of {outcome.targets} forwarded"]
    elif isinstance(outcome, corpus.Waiting) and (targets or result.refusal is not None):
        return [f"forwarded {targets}, {result.refusal}, instead of waiting"]
    return []
