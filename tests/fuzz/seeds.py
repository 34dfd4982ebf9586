"""What a fuzzer begins with: the corpus of the hostile tests, and words that it would be long in finding."""

from __future__ import annotations

from itertools import chain
from random import Random
from typing import TYPE_CHECKING

from tests.hostile import corpus, generator, lies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CONFIG = b"""[frontends.web]
listen = "127.0.0.1:8080"
pool = "app"
upgrades = ["websocket"]
[frontends.web.timeouts]
idle = "1h"
[[frontends.web.routes]]
host = "*.example.com"
path = "/v1/"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001", { address = "unix:/a.sock", weight = 2 }]
"""
V2 = b"\r\n\r\n\x00\r\nQUIT\n"
PROXY_HEADERS = [
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 65535\r\n", b"PROXY TCP6 ::1 ::2 1 2\r\n", b"PROXY UNKNOWN\r\n",
    V2 + b"\x21\x11\x00\x0c" + bytes(12), V2 + b"\x20\x00\x00\x00", V2 + b"\x21\x21\x00\x24" + bytes(36),
    V2 + b"\x21\x11\x00\x13" + bytes(12) + b"\x02\x00\x01a\x04\x00\x00",
]  # fmt: skip
HELLO = bytes.fromhex(
    "1603010055010000510303" + "00" * 32 + "00" + "0002" + "1301" + "0100" + "0026"
    "0000000a0008000005612e746573" "0010000e000c02683208687474702f312e31" "002b00020304"
)  # fmt: skip


def seeds(target: str) -> Iterator[bytes]:
    """A few hundred."""
    if target == "request":
        yield from (case.data for name in corpus.FAMILIES for case in corpus.cases(name) if len(case.data) < 1500)
    elif target == "chunks":
        bodies = (case.data.partition(b"\r\n\r\n")[2] for name in corpus.FAMILIES for case in corpus.cases(name))
        yield from {body for body in bodies if body[:1].isalnum() and len(body) < 1500}
    elif target == "response":
        yield from filter(lambda answer: len(answer) < 1500, (lies.build(Random(number)) for number in range(300)))
    else:
        yield from {"config": [CONFIG], "proxy_header": PROXY_HEADERS, "client_hello": [HELLO]}[target]


def words() -> Iterator[str]:
    """A libFuzzer dictionary, a line each."""
    lines: Iterable[bytes] = chain(generator.INSERTS, lies.INSERTS, generator.FIELDS, lies.FIELDS, generator.STARTS)
    for word in dict.fromkeys(line for line in lines if 1 < len(line) < 60):
        yield '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"'
