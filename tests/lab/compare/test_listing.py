"""The list of models: what runs, what does not and why, within the width of a terminal."""

from __future__ import annotations

from proxy.lab.compare.listing import WIDTH, as_text
from proxy.lab.results import Available

NO_RUBY = ("no program ruby: apt-get install ruby",)


def test_variants_that_run_and_what_others_lack() -> None:
    text = as_text(
        [
            Available("direct", "", "one process"),
            Available("tuplespace", "embedded", "workers take matching tuples"),
            Available("tuplespace", "rinda", "workers take matching tuples", NO_RUBY),
            Available("nginx", "", "nginx in rproxy's place", ("no program nginx: apt-get install nginx", "no way in")),
        ],
        [],
    )
    assert text.splitlines()[:7] == [
        "models:",
        "  direct            one process",
        "  tuplespace        workers take matching tuples",
        "                    variants: embedded",
        "                    not available of rinda: no program ruby: apt-get install ruby",
        "  nginx             nginx in rproxy's place",
        "                    not available: no program nginx: apt-get install nginx; no way in",
    ]


def test_long_reasons_are_wrapped() -> None:
    text = as_text([Available("envoy", "", "envoy", ("no program envoy: " + "a word " * 60,))], [])
    assert max(map(len, text.splitlines())) <= WIDTH
