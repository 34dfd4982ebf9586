"""Records, and heads to make them of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxy.core.access_log.record import Client, Marks, Record
from proxy.core.client.peer import Peer
from proxy.core.http.request import RequestParser

if TYPE_CHECKING:
    from proxy.core.access_log.record import LoggedHead

REQUEST = b"GET /item?token=s HTTP/1.1\r\nHost: example.com\r\nUser-Agent: curl/8\r\nreferer: http://a/b?c=d\r\n\r\n"
WALL = 1_795_000_000.0  # 2026-11-18T11:06:40Z
MARKS: Marks = (0.5, 0.5, 0.5, 0.501, 0.501, 0.502, 0.5025)


def head(data: bytes = REQUEST) -> LoggedHead:
    return RequestParser().parse(data)


def client() -> Client:
    return Client(43, Peer("192.0.2.7", 50123, "192.0.2.1", 80))


def record(**changes: Any) -> Record:
    """Its fields, and those of its outcome."""
    fields: dict[str, Any] = {
        "client": client(), "number": 3, "head": head(), "marks": MARKS, "pool": "app", "backend": "127.0.0.1:9001",
        "tries": 1, "is_reused": True, "status": 200, "backend_status": 200, "reason": "ok", "received": 120,
        "sent": 240,
    }  # fmt: skip
    assert changes.keys() <= fields.keys()
    values = tuple((fields | changes).values())
    return (*values[:4], values[4:11], *values[11:])  # type: ignore[return-value]
