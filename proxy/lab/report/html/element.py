"""Elements of HTML and SVG, escaped by ElementTree wherever a text comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, tostring

if TYPE_CHECKING:
    from collections.abc import Iterable


def el(tag: str, *children: Element | str | None, **attributes: object) -> Element:
    """children: None is left out. attributes: `class_` is class, `text_anchor` is text-anchor; floats are written with
    a tenth of a pixel, None is left out."""
    made = Element(tag, {_name(name): _value(value) for name, value in attributes.items() if value is not None})
    for child in children:
        _append(made, child)
    return made


def _append(parent: Element, child: Element | str | None) -> None:
    if child is None:
        return
    if isinstance(child, Element):
        parent.append(child)
    elif len(parent):
        parent[-1].tail = (parent[-1].tail or "") + child
    else:
        parent.text = (parent.text or "") + child


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-") if name != "viewBox" else name


def _value(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def as_html(root: Element) -> str:
    """A whole document. What is no character, a part of a broken file name say, becomes a question mark."""
    text = "<!doctype html>\n" + tostring(root, encoding="unicode", method="html") + "\n"
    return text.encode("utf-8", "replace").decode()


# ------------------------------------------------------------------------------------------------------- often needed


def svg(width: float, height: float, label: str, *children: Element | None) -> Element:
    """A drawing as wide as its place. label: what it shows, for those who do not see it."""
    return el("svg", *children, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=label)


def title(text: str) -> Element:
    """Shown when the pointer rests on its parent."""
    return el("title", text)


def path(points: Iterable[tuple[float, float]]) -> str:
    """Of straight lines."""
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
