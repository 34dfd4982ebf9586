import pytest

from proxy.core.config.suggest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("idel", ["idle", "send"], "idle"),
        ("Idle", ["idle"], "idle"),
        ("bind", ["listen", "mode"], "listen"),
        ("server", ["frontends", "pools"], "frontends"),
        ("health-check", ["health_check"], "health_check"),
        ("round_robin", ["round-robin", "random"], "round-robin"),
        ("upstream", ["unrelated"], None),
        ("xyz", ["idle"], None),
        ("x", [], None),
    ],
)
def test_nearest(word: str, known: list[str], meant: str | None) -> None:
    assert nearest(word, known) == meant


def test_hints() -> None:
    assert did_you_mean("ap", ["app"]) == 'did you mean "app"?'
    assert did_you_mean("zzz", ["app", "api"]) == "known here: app, api"
    assert did_you_mean("zzz", []) == ""
