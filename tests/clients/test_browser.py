"""A real browser, headless Chromium driven by Selenium: a page and its assets, a form, fetch, WebSocket, a download;
in plain text and by TLS, with a certificate that it is told to bear with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import started
from tests.clients.support import Rproxy, running, short_directory
from tests.processes import free_port, wait_listening
from tests.tls import write_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

pytestmark = pytest.mark.slow

CONFIG = """
[frontends.http]
listen = "127.0.0.1:0"
pool = "app"
routes = [
    {{ path = "/site/", pool = "site", rewrite = "/" }},
    {{ path = "/old/", redirect = "/site/{{rest}}" }},
]

[frontends.https]
listen = "127.0.0.1:0"
pool = "app"
routes = [
    {{ path = "/site/", pool = "site", rewrite = "/" }},
    {{ path = "/old/", redirect = "/site/{{rest}}" }},
]
tls.certificates = [{{ certificate = "{directory}/site.pem", key = "{directory}/site.key" }}]

[[pools.app.backends]]
address = "unix:{directory}/app.sock"
command = "python -m backends.hello --listen {{address}}"

[[pools.site.backends]]
address = "127.0.0.1:{port}"
command = "python -m http.server --bind {{host}} --directory {directory}/site {{port}}"
"""
ASSETS = 12
PAGE = (
    '<!doctype html><title>page</title><link rel="icon" href="data:,"><link rel="stylesheet" href="style.css">'
    + "".join(f'<img src="image.svg?{number}">' for number in range(ASSETS))
    + '<script src="script.js"></script><form method="post" action="/form"><textarea name="text"></textarea></form>'
)
FILES = {
    "index.html": PAGE,
    "style.css": "body { color: rgb(1, 2, 3) }",
    "script.js": "document.title = 'scripted'",
    "image.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>',
}
LARGE = 30_000_000
POST = """
const [size, done] = arguments, body = new Uint8Array(size).map((_, i) => i * i % 251);
fetch("/echo", { method: "POST", body }).then(answer => answer.arrayBuffer())
    .then(data => done(new Uint8Array(data).every((byte, i) => byte === body[i]) && data.byteLength), done);
"""
DOWNLOAD = """
const [url, done] = arguments;
(async () => {
    let size = 0;
    for (const reader = (await fetch(url)).body.getReader(); ;) {
        const { done: ended, value } = await reader.read();
        if (ended) return size;
        size += value.length;
    }
})().then(done, error => done(String(error)));
"""
WEBSOCKET = """
const [messages, done] = arguments, answers = [];
const socket = new WebSocket(`${location.origin.replace("http", "ws")}/websocket`);
socket.onopen = () => messages.forEach(message => socket.send(message));
socket.onmessage = event => { answers.push(event.data); if (answers.length === messages.length) socket.close(4000) };
socket.onclose = event => done([answers, event.code, event.wasClean]);
"""
RESOURCES = """
return performance.getEntriesByType("resource").map(entry => [entry.responseStatus, entry.decodedBodySize])
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Rproxy]:
    with short_directory() as directory:
        (directory / "site").mkdir()
        for name, text in FILES.items():
            (directory / "site" / name).write_text(text)
        write_certificate(directory, "127.0.0.1", stem="site")
        port = free_port()
        with running(CONFIG.format(directory=directory, port=port)) as rproxy:
            wait_listening(f"127.0.0.1:{port}")
            yield rproxy


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with started(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(params=["http", "https"])
def url(request: pytest.FixtureRequest, site: Rproxy) -> str:
    return f"{request.param}://{site.addresses[request.param][0]}"


@pytest.fixture
def page(url: str, browser: Chrome) -> Chrome:
    browser.get(f"{url}/site/index.html")
    return browser


def test_a_page_with_its_assets(page: Chrome) -> None:
    assert page.title == "scripted"
    assert page.execute_script("return getComputedStyle(document.body).color") == "rgb(1, 2, 3)"
    assert page.execute_script("return [...document.images].every(image => image.naturalWidth === 7)")
    resources = page.execute_script(RESOURCES)
    assert len(resources) == ASSETS + 2
    assert {status for status, _ in resources} == {200}


def test_a_redirect_is_followed(url: str, browser: Chrome) -> None:
    browser.get(f"{url}/old/index.html?x=1")
    assert browser.current_url == f"{url}/site/index.html?x=1"


def test_a_form(page: Chrome) -> None:
    page.execute_script('document.forms[0].text.value = "x".repeat(100000); document.forms[0].submit()')
    from selenium.webdriver.support.wait import WebDriverWait

    WebDriverWait(page, 20).until(lambda browser: browser.current_url.endswith("/form"))
    report: dict[str, Any] = json.loads(page.execute_script("return document.body.innerText"))
    assert (report["method"], report["body_length"]) == ("POST", len("text=") + 100_000)


def test_fetch_posts_and_gets_it_back(page: Chrome) -> None:
    for size in (0, 1, 3_000_000):
        assert page.execute_async_script(POST, size) == size


@pytest.mark.parametrize("query", ["", "&chunked=1"])
def test_a_large_download(page: Chrome, query: str) -> None:
    assert page.execute_async_script(DOWNLOAD, f"/bytes?size={LARGE}{query}") == LARGE


def test_a_websocket(page: Chrome) -> None:
    messages = ["hello", "", "ä" * 50_000, *map(str, range(100))]
    assert page.execute_async_script(WEBSOCKET, messages) == [messages, 4000, True]
