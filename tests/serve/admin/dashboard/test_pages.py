"""What the dashboard consists of: all of it there, all of it ours, and a policy that lets nothing else in."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from proxy.serve.admin.dashboard.pages import HEADERS, POLICY, load

PAGES = load()
TEXTS = {path: page.body.decode() for path, page in PAGES.items()}
SCRIPTS = {path: text for path, text in TEXTS.items() if path.endswith(".js")}


def test_the_page_and_every_file_that_it_names() -> None:
    assert PAGES["/"].content_type == "text/html; charset=utf-8"
    named = re.findall(r'(?:src|href)="(dashboard/[^"]+)"', TEXTS["/"])
    assert len(named) == 3
    assert {f"/{name}" for name in named} <= set(PAGES)


def test_every_import_of_a_script_is_there_and_every_script_is_imported() -> None:
    imported = {"/dashboard/main.js"}
    for path, text in SCRIPTS.items():
        for name in re.findall(r'from "([^"]+)"', text):
            imported.add(resolve(PurePosixPath(path).parent, name))
    assert imported == set(SCRIPTS)


def resolve(directory: PurePosixPath, name: str) -> str:
    while name.startswith("../"):
        directory, name = directory.parent, name.removeprefix("../")
    return str(directory / name.removeprefix("./"))


def test_content_types() -> None:
    assert PAGES["/dashboard/base.css"].content_type.startswith("text/css")
    assert {PAGES[path].content_type for path in SCRIPTS} == {"text/javascript; charset=utf-8"}


def test_only_what_a_browser_asks_for_is_served() -> None:
    assert {PurePosixPath(path).suffix for path in PAGES} == {"", ".css", ".js"}


def test_nothing_is_fetched_from_elsewhere() -> None:
    """It works offline. The names of XML namespaces are never fetched."""
    for path, text in TEXTS.items():
        assert not set(re.findall(r"https?://[\w.]+", text)) - {"http://www.w3.org"}, path


def test_no_text_is_made_into_markup() -> None:
    for path, text in SCRIPTS.items():
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert way not in text, path


def test_no_script_or_style_in_the_markup() -> None:
    """The policy would refuse them."""
    assert not re.search(r"<style|<script>|\son\w+=|\sstyle=", TEXTS["/"])


def test_the_policy_begins_with_nothing() -> None:
    assert POLICY.startswith("default-src 'none'; ")
    assert "unsafe" not in POLICY
    assert HEADERS["Content-Security-Policy"] == POLICY
