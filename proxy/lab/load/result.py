"""From what was recorded to the result, and the result as text between two processes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from proxy.lab.load.recorder import encoded, histogram, quantile
from proxy.lab.load.validity import Facts, why_invalid
from proxy.lab.results import ConnectionLoad, Lateness, LoadResult, Slot

if TYPE_CHECKING:
    from proxy.lab.load.clients.connection import Connection
    from proxy.lab.load.generator import Generator
    from proxy.lab.load.recorder import Recorder
    from proxy.lab.load.spec import LoadSpec


def result_of(spec: LoadSpec, generator: Generator) -> LoadResult:
    recorder = generator.recorder
    late = sorted(recorder.latenesses)
    lateness = Lateness(quantile(late, 0.5), quantile(late, 0.99), quantile(late, 1.0))
    why = _why_invalid(spec, recorder, lateness, generator.crashes)
    return LoadResult(
        seconds=recorder.seconds,
        intended=recorder.intended,
        sent=recorder.sent,
        completed=recorder.completed,
        errors=dict(sorted(recorder.errors.items())),
        latency=encoded(histogram(recorder.latencies)),
        service=encoded(histogram(recorder.services)),
        lateness=lateness,
        cpu_share=recorder.cpu_share,
        waited_share=recorder.waited_share,
        valid=not why,
        why_invalid=why,
        timeline=tuple(recorder.timeline()),
        began=recorder.began,
        per_connection=tuple(map(_connection, generator.connections)) if spec.per_connection else (),
    )


def to_json(result: LoadResult) -> str:
    return json.dumps(asdict(result))


def from_json(text: str | bytes) -> LoadResult:
    """What `to_json` wrote."""
    values: dict[str, Any] = json.loads(text)
    values["lateness"] = Lateness(**values["lateness"])
    values["timeline"] = tuple(Slot(**slot) for slot in values["timeline"])
    values["per_connection"] = tuple(ConnectionLoad(**one) for one in values["per_connection"])
    return LoadResult(**values)


def _why_invalid(spec: LoadSpec, recorder: Recorder, lateness: Lateness, crashes: int) -> str:
    if crashes:
        return f"the generator has a defect: {crashes} of its handlers raised; its log has the tracebacks"
    latencies = sorted(recorder.latencies)
    return why_invalid(
        Facts(
            is_open=spec.mode == "open",
            intended=recorder.intended,
            errors=dict(recorder.errors),
            cpu_share=recorder.cpu_share,
            waited_share=recorder.waited_share,
            lateness_p50=lateness.p50,
            lateness_p99=lateness.p99,
            latency_p50=quantile(latencies, 0.5),
            latency_p99=quantile(latencies, 0.99),
        )
    )


def _connection(connection: Connection) -> ConnectionLoad:
    local = connection.local
    name = f"{local[0]}:{local[1]}" if isinstance(local, tuple) else f"inode {local}" if local else ""
    return ConnectionLoad(name, connection.count)
