from __future__ import annotations

import h11
import pytest

from proxy.core.http.request import RequestHead, RequestParser
from proxy.core.policy.fields import FieldPolicy
from proxy.core.policy.redirect import Redirect
from proxy.core.policy.reply import RedirectReply, Reply, TextReply

NOTHING = FieldPolicy([])


def head(method: str = "GET", version: str = "1.1", target: str = "/x") -> RequestHead:
    return RequestParser().parse(f"{method} {target} HTTP/{version}\r\nHost: a.test\r\n\r\n".encode())


def read(reply: Reply, method: str = "GET", *, keep_alive: bool = True) -> tuple[h11.Response, bytes]:
    """As h11 reads it; nothing may follow, and nothing may be missing."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/x", headers=[("Host", "a.test")]))
    client.send(h11.EndOfMessage())
    client.receive_data(reply(head(method), keep_alive=keep_alive))
    response = client.next_event()
    assert isinstance(response, h11.Response)
    body = b""
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data)
        body += bytes(event.data)
    assert client.trailing_data == (b"", False)
    assert client.their_state is (h11.DONE if keep_alive else h11.MUST_CLOSE)
    return response, body


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_a_redirect(method: str, keep_alive: bool) -> None:
    response, body = read(RedirectReply(Redirect("https", 308, None), NOTHING), method, keep_alive=keep_alive)
    assert (response.status_code, response.reason, body) == (308, b"Permanent Redirect", b"")
    assert (b"location", b"https://a.test/x") in response.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [200, 204, 304, 404, 503])
def test_a_text(status: int, method: str) -> None:
    text = "" if status in (204, 304) else "gone for ünch\n"
    response, body = read(TextReply(status, text, NOTHING), method)
    assert (response.status_code, body) == (status, b"" if method == "HEAD" else text.encode())
    assert (b"content-length" in dict(response.headers)) is (status not in (204, 304))


def test_fields_are_those_of_the_policy() -> None:
    fields = FieldPolicy([{"Content-Type": "text/html", "X-Mine": "yes"}])
    for reply in (TextReply(200, "<p>", fields), RedirectReply(Redirect("/y", 302, None), fields)):
        response, _ = read(reply)
        assert {b"text/html", b"yes"} <= {value for _, value in response.headers}


def test_http_1_0_is_told_that_its_connection_goes_on() -> None:
    reply = TextReply(200, "x", NOTHING)
    assert b"\r\nConnection: keep-alive\r\n\r\n" in reply(head(version="1.0"), keep_alive=True)
    assert b"\r\nConnection: close\r\n\r\n" in reply(head(version="1.0"), keep_alive=False)
