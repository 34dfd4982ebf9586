from __future__ import annotations

from proxy.lab.report.html.element import as_html, el, path, svg, title


def test_texts_are_escaped_wherever_they_stand() -> None:
    text = as_html(el("p", "<script>&", el("b", '"'), "<tail>", title_='" onclick="', class_="a b"))
    assert '&lt;script&gt;&amp;<b>"</b>&lt;tail&gt;' in text
    assert 'title="&quot; onclick=&quot;" class="a b"' in text


def test_texts_follow_each_other() -> None:
    assert "<p>one two<b></b> three four</p>" in as_html(el("p", "one", " two", None, el("b"), " three", " four"))


def test_names_and_numbers() -> None:
    text = as_html(svg(300, 90.5, "shares", el("text", "x", x=1.26, y=2.0, text_anchor="end", class_=None)))
    assert '<svg viewBox="0 0 300 90.5" role="img" aria-label="shares">' in text
    assert '<text x="1.3" y="2" text-anchor="end">x</text>' in text


def test_what_is_no_character_becomes_a_question_mark() -> None:
    assert "a?b" in as_html(el("p", "a\udcffb"))


def test_drawings() -> None:
    assert path([(1, 2.04), (3, 4)]) == "M1.0,2.0L3.0,4.0"
    assert title("x").tag == "title"
