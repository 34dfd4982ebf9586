import re

from proxy.core.access_log.combined import Combined
from proxy.core.access_log.json_lines import JsonLines
from proxy.core.access_log.syslog import Syslog
from tests.core.access_log.support import WALL, record


def test_a_message() -> None:
    inner = Combined("web", "5eed", query=False)
    text = Syslog(inner, "web", "host", 77, is_stream=False).line(record(), WALL)
    header, _, message = text.partition(" - 192")
    assert header == "<190>1 2026-11-18T11:06:40.502Z host rproxy 77 web"  # when it ended
    assert "192" + message + "\n" == inner.line(record(), WALL)


def test_failures_are_warnings() -> None:
    made = Syslog(JsonLines("web", "5eed", query=False), "web", "host", 77, is_stream=False)
    assert made.line(record(status=502), WALL).startswith("<188>1 ")


def test_in_a_stream_each_says_how_long_it_is() -> None:
    made = Syslog(JsonLines("web", "5eed", query=False), "web", "host", 77, is_stream=True)
    stream = made.line(record(), WALL) + made.line(record(number=4), WALL)
    for number in (3, 4):
        match = re.match(r"(\d+) ", stream)
        assert match
        message, stream = stream[match.end() :][: int(match[1])], stream[match.end() + int(match[1]) :]
        assert message.endswith("}")
        assert f'"exchange":{number}' in message
    assert stream == ""
