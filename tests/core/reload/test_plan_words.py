from __future__ import annotations

from proxy.core.config import parse_config
from proxy.core.reload.plan import diff
from proxy.core.reload.plan_words import lines

OLD = """
[frontends.web]
listen = ["127.0.0.1:80", "127.0.0.1:81"]
pool = "app"

[frontends.old]
listen = "127.0.0.1:82"
pool = "app"

[pools.app]
backends = ["127.0.0.1:9001", "127.0.0.1:9002"]
"""

NEW = """
user = "root"

[shutdown]
drain = "5s"

[frontends.web]
listen = ["127.0.0.1:83", "127.0.0.1:81"]
pool = "app"
timeouts = { idle = "5m" }
socket = { reuse_port = true }
routes = [{ path = "/x", pool = "api" }]

[pools.app]
balance = "random"
backends = [{ address = "127.0.0.1:9003", weight = 2 }, { address = "127.0.0.1:9002", weight = 3 }]
health_check = {}

[pools.api]
backends = ["127.0.0.1:9004"]
"""


def words(old: str, new: str) -> list[str]:
    return lines(diff(parse_config(old, "old.toml"), parse_config(new, "new.toml")))


def test_a_line_for_each_change() -> None:
    assert words(OLD, NEW) == [
        "~ shutdown.drain 30s -> 5s",
        "~ pool app: balance least-connections -> random",
        "~ pool app: health_check changed",
        "~ pool app: backend 127.0.0.1:9002: weight 1 -> 3",
        "+ pool app: backend 127.0.0.1:9003, weight 2",
        "- pool app: backend 127.0.0.1:9001",
        "+ pool api",
        "+ frontend web: listen 127.0.0.1:83",
        "- frontend web: listen 127.0.0.1:80",
        "~ frontend web: routes changed",
        "~ frontend web: timeouts.idle 3600s -> 300s",
        "- frontend old",
        "! user none -> root, from the next start or upgrade on",
        "! frontends.web.socket.reuse_port false -> true, from the next start or upgrade on",
    ]


def test_nothing_changes() -> None:
    assert words(NEW, NEW) == ["nothing changes"]


def test_values_that_are_switches_are_written_as_in_the_file() -> None:
    new = OLD.replace('9002"]', '9002"]\n[pools.app.tls]\nverify = false')
    newer = new.replace("false", "true")
    assert words(new, newer) == ["~ pool app: tls.verify false -> true"]
