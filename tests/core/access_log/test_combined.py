import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.access_log.combined import Combined
from proxy.core.access_log.record import Client, SeenHead
from proxy.core.client.peer import Peer
from tests.core.access_log.support import WALL, head, record

# As log analysers read it; what we add is behind it.
COMBINED = re.compile(r'(\S+) - - \[([^\]]+)\] "([^"]*)" (\d{3}|-) (\d+) "([^"]*)" "([^"]*)"((?: [a-z_]+=[^ "]+)*)\n')


def line(**changes: Any) -> str:
    return Combined("web", "5eed", query=False).line(record(**changes), WALL)


def test_a_line() -> None:
    assert line() == (
        '192.0.2.7 - - [18/Nov/2026:11:06:40 +0000] "GET /item HTTP/1.1" 200 240 "http://a/b" "curl/8" '
        "host=example.com port=50123 tls=- cipher=- frontend=web session=5eed-2b/3 reason=ok pool=app "
        "backend=127.0.0.1:9001 backend_status=200 tries=1 reused=1 in=120 us=0/0/1000/0/1000/500/2500\n"
    )


def test_lines_of_what_is_no_request() -> None:
    refused = line(head=SeenHead(b"secret"), pool="", backend="", status=400, backend_status=0)
    assert ' "-" 400 240 "-" "-" host=- ' in refused
    assert " pool=- backend=- backend_status=- " in refused
    assert ' "-" - 240 "-" "-" host=- ' in line(head=None, number=0, status=0)
    assert line(client=Client(1, Peer())).startswith("unix: - - [")
    assert '] "GET /x" 400 ' in line(head=SeenHead(b"GET /x y\r\n\r\n"), status=400)


@given(st.binary(), st.binary(), st.binary(), st.text())
def test_no_client_writes_lines_or_fields_of_its_own(target: bytes, host: bytes, agent: bytes, backend: str) -> None:
    request = head()
    request.target, request.host = target, host
    request.forward = b"GET / HTTP/1.1\r\nUser-Agent: " + agent + b"\r\nReferer: " + target + b"\r\n"
    match = COMBINED.fullmatch(line(head=request, backend=backend))
    assert match
    assert match[8].count(" ") == 14
