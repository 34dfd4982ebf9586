import json

import pytest

from proxy.core.metrics.told import (
    BackendTold,
    Ended,
    FrontendTold,
    PoolTold,
    Told,
    ToldTimes,
    from_plain,
    to_plain,
)

TOLD = Told(
    frontends={
        "web": FrontendTold(
            active=1,
            accepted=2,
            ended=[Ended("app", "127.0.0.1:1", 200, "ok", 3, 4, 5)],
            phases={"total": ToldTimes({7: 3}, 0.25)},
            latencies={"app": {"127.0.0.1:1": {7: 3}}},
        )
    },
    pools={"app": PoolTold(1, {"connect": 2}, {"127.0.0.1:1": BackendTold(1, 2, 3, {"connect-refused": 4})})},
    crashes=1,
)


def test_what_is_told_comes_through_json_as_it_was() -> None:
    assert from_plain(json.loads(json.dumps(to_plain(TOLD)))) == TOLD


@pytest.mark.parametrize(
    "plain",
    [
        [],
        {"frontends": {"web": {"active": -1}}},
        {"frontends": {"web": {"accepted": "many"}}},
        {"frontends": {"web": {"ended": [["app"]]}}},
        {"pools": {"app": {"backends": {"x": {"picked": 1.5}}}}},
        {"frontends": {"web": {"phases": {"total": {"counts": {"first": 1}, "sum": 0}}}}},
    ],
)
def test_a_worker_cannot_tell_what_makes_no_sense(plain: object) -> None:
    with pytest.raises(ValueError, match="validation error"):
        from_plain(plain)
