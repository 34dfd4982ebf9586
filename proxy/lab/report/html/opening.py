"""The top of the page: what to deploy, why, how sure that is, and who is better for another need; then how it was
decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.analysis.words import value_text
from proxy.lab.report.html.element import el
from proxy.lab.report.table import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from proxy.lab.analysis.needs import Need
    from proxy.lab.analysis.ranking import Outcome
    from proxy.lab.analysis.verdict import Verdict


def opening(verdict: Verdict, summary: str, tiles: Element | None = None) -> Element:
    """summary: of the model to deploy. tiles: its figures."""
    sure = el("span", CONFIDENCE[verdict.confidence], class_=f"pill {verdict.confidence}")
    return el(
        "section",
        el("h2", verdict.headline, class_="headline"),
        el("p", summary, class_="quiet") if summary else None,
        el("p", sure),
        tiles,
        _list(verdict.reasons, "reasons"),
        el("p", el("b", "Next: "), verdict.why_runner_up) if verdict.runner_up else None,
        _titled("What keeps it from being surer", _list(verdict.doubts)) if verdict.doubts else None,
        _titled("Worth knowing", _list(verdict.advice)) if verdict.advice else None,
        class_="card verdict",
    )


def _list(texts: Sequence[str], class_: str | None = None) -> Element:
    return el("ul", *[el("li", text) for text in texts], class_=class_)


def _titled(text: str, content: Element) -> Element:
    return el("div", el("h3", text), content)


def other_needs(verdict: Verdict) -> Element | None:
    if not verdict.needs:
        return None
    head = el("thead", el("tr", *[el("th", text) for text in ("If what counts most is", "take", "with", "against")]))
    rows = [_need(need) for need in verdict.needs if need.is_other]
    same = "; ".join(f"{need.wish.text} ({need.value})" for need in verdict.needs if not need.is_other)
    return el(
        "div",
        el("div", el("table", head, el("tbody", *rows)), class_="wide") if rows else None,
        el("p", el("b", str(verdict.deploy)), f" is as good as any in: {same}.", class_="same") if same else None,
    )


def _need(need: Need) -> Element:
    way = el("td", el("b", str(need.way)))
    return el("tr", el("td", need.wish.text), way, el("td", need.value), el("td", need.chosen or "not known"))


def how(verdict: Verdict) -> Element:
    """The rule, and what each round of it did."""
    rounds = [_outcome(outcome) for outcome in verdict.ranking.outcomes]
    left = ", ".join(map(str, (verdict.ranking.order[:1] + verdict.ranking.level)))
    rule = (
        "In rounds, the gravest question first. In each one those drop out that are clearly worse than the best: by "
        "more than the round lets pass, and with an interval that does not overlap that of the best. A single run has "
        "no interval: there a difference counts from twice as much. What was counted, failures and losses, is compared "
        "by its mean alone: a loss that was seen is no chance. Of those that nothing tells apart at the end the "
        "one that is first in the list of models is recommended, so that chance does not choose."
    )
    return el("div", el("p", rule), el("ol", *rounds, class_="rounds"), el("p", el("b", "Left: "), left))


def _outcome(outcome: Outcome) -> Element:
    judged = outcome.round
    best = outcome.best.estimate
    told = f"best: {outcome.best.way}, {value_text(best.median, judged.unit)}" if best else ""
    passes = f"lets pass {value_text(outcome.allowed, judged.unit)} more"
    if judged.better == "more":
        passes = passes.removesuffix("more") + "less"
    names = ", ".join(str(value.way) for value in outcome.dropped)
    count = f"{len(outcome.dropped) + len(outcome.kept)} to {len(outcome.kept)}"
    dropped = el("p", el("b", "out: "), names) if names else el("p", "nobody drops out", class_="quiet")
    return el("li", el("b", judged.question), f" {count}; {told}; {passes}.", dropped)
