"""Reports as they come from another process, which may send anything."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.metrics.told import PoolTold, Told
from proxy.serve.orders import (
    CannotStart,
    Drained,
    Emptied,
    Failed,
    Observed,
    Prepared,
    Report,
    report_as_json,
    report_from_json,
)


@pytest.mark.parametrize(
    "report",
    [
        Observed("app", "a:1", "failed", "refused"),
        Emptied("app", "a:1"),
        Failed("no such file"),
        Drained(3),
        Prepared(),
        CannotStart("no such file"),
        Told(pools={"app": PoolTold(waiting=2)}),
    ],
)
def test_what_is_sent_is_what_comes(report: Report) -> None:
    assert report_from_json(json.loads(json.dumps(report_as_json(report)))) == report


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "Order"},
        {"kind": ["Observed"]},
        {"kind": "Observed"},
        {"kind": "Observed", "pool": ["app"], "backend": "a:1", "what": "failed"},
        {"kind": "Observed", "pool": "app", "backend": {}, "what": "failed"},
        {"kind": "Observed", "pool": "app", "backend": "a:1", "what": "exploded"},
        {"kind": "Drained", "cut": "many"},
        {"kind": "Told", "crashes": -1},
    ],
)
def test_what_is_no_report(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's own, too
        report_from_json(fields)
