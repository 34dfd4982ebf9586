"""When a result is the generator's own: each reason, told with its numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.lab.load.validity import Facts, why_invalid

GOOD = Facts(is_open=True, intended=1000, errors={}, cpu_share=0.3, waited_share=0.1, lateness_p50=0.0001,
             lateness_p99=0.001, latency_p50=0.001, latency_p99=0.004)  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (GOOD, ""),
        (replace(GOOD, errors={"refused": 900, "reset": 100}, latency_p50=0, latency_p99=0), ""),
        (replace(GOOD, errors={"own-ports": 3}), "3 for want of ports"),
        (replace(GOOD, intended=0), "no request"),
        (replace(GOOD, cpu_share=0.95), "95% of a processor"),
        (replace(GOOD, is_open=False, cpu_share=0.95), "95% of a processor"),
        (replace(GOOD, is_open=False, cpu_share=0.5, waited_share=0.48), "ran 50% of the time and waited"),
        (replace(GOOD, is_open=False, cpu_share=0.5, waited_share=0.4), ""),
        (replace(GOOD, lateness_p99=0.003), "3.0 ms at the p99, of a latency of 4.0 ms"),
        (replace(GOOD, lateness_p99=0.003, latency_p99=0.1), ""),
        (replace(GOOD, lateness_p50=0.0006), "0.6 ms at the median"),
        (replace(GOOD, is_open=False, lateness_p99=1.0), ""),  # nobody waits for a moment in a closed loop
    ],
)
def test_verdicts(facts: Facts, told: str) -> None:
    why = why_invalid(facts)
    assert told in why
    assert bool(why) == bool(told)
