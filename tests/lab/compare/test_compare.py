"""A comparison as a whole, with real cells."""

from __future__ import annotations

from proxy.lab.application import SAMPLE, parse_application
from proxy.lab.compare.compare import available, candidates_of
from proxy.lab.compare.settings import Settings
from proxy.lab.models.registry import MODELS
from proxy.lab.results import Available


def test_every_variant_of_every_model_is_there_with_what_it_lacks() -> None:
    found = available(SAMPLE, Settings())
    assert [(one.model, one.variant) for one in found] == [
        (name, variant) for name, model in MODELS.items() for variant in model.variants(SAMPLE)
    ]
    (direct,) = available(parse_application(["serve {fd}"]), Settings(models=("direct",)))
    assert "no port" in direct.missing[0]


def test_the_first_variant_that_can_run_stands_for_its_model() -> None:
    found = [Available("direct", "a", "", ("no a",)), Available("direct", "b", ""), Available("direct", "c", "")]
    candidates = candidates_of(found)
    assert [(one.variant, one.stands_for) for one in candidates] == [("b", True), ("c", False)]
