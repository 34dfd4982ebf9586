import pytest

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import AccessLog, LogFile, LogStdout, LogSyslog, LogTarget, parse_config
from proxy.core.config.sections.access_log import parse_log_target

TARGETS: dict[str, LogTarget] = {
    "stdout": LogStdout(),
    "/var/log/web.log": LogFile("/var/log/web.log"),
    "syslog": LogSyslog(UnixAddress("/dev/log")),
    "syslog:unix:/run/log": LogSyslog(UnixAddress("/run/log")),
    "syslog:udp:127.0.0.1:514": LogSyslog(TcpAddress("127.0.0.1", 514)),
    "syslog:tcp:[::1]:601": LogSyslog(TcpAddress("::1", 601), is_stream=True),
}


@pytest.mark.parametrize("text", TARGETS)
def test_targets(text: str) -> None:
    target = parse_log_target(text)
    assert target == TARGETS[text]
    assert str(target) == text.replace("syslog", "syslog:unix:/dev/log") if text == "syslog" else text


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (1, "1 is no place for a log"),
        ("log/web.log", '"log/web.log" is no place for a log: write "stdout", a path'),
        ("/a\0b", "NUL"),
        ("syslog:127.0.0.1:514", 'syslog is reached by "syslog:udp:HOST:PORT"'),
        ("syslog:udp:127.0.0.1", "has no port"),
        ("syslog:udp:127.0.0.1:0", "after udp: stands a host and a port"),
        ("syslog:tcp:unix:/dev/log", "after tcp: stands a host and a port"),
        ("syslog:unix:dev/log", "must be absolute"),
    ],
)
def test_what_is_no_target(value: object, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_log_target(value)


def test_an_empty_table_is_a_log() -> None:
    text = """
    frontends.a = { listen = "127.0.0.1:0", pool = "app", access_log = {} }
    frontends.b = { listen = "127.0.0.1:0", pool = "app" }
    pools.app = { backends = ["127.0.0.1:9001"] }
    """
    frontends = parse_config(text, "lb.toml").frontends
    assert frontends["a"].access_log == AccessLog()
    assert frontends["a"].access_log.to == LogStdout()
    assert frontends["b"].access_log is None
