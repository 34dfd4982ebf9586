"""What the stats commands tell, in the YAML of beanstalkd and under its names."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from proxy.lab.models.queue.beanstalk.store import URGENT
from proxy.lab.models.queue.beanstalk.tube import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from proxy.lab.models.queue.beanstalk.store import Store
    from proxy.lab.models.queue.beanstalk.tube import Job, Tube


def of_job(job: Job, now: float) -> str:
    left = max(job.due - now, 0) if job.state in (State.RESERVED, State.DELAYED) else 0
    values = {
        "id": job.number, "tube": job.tube.name, "state": job.state.value, "pri": job.priority,
        "age": int(now - job.created), "delay": int(job.delay), "ttr": int(job.ttr), "time-left": int(left), "file": 0,
    }  # fmt: skip
    return _yaml({**values, **job.counts})


def of_tube(tube: Tube, now: float) -> str:
    return _yaml({
        "name": tube.name, **_jobs(tube.jobs.values()), "total-jobs": tube.counts["total"],
        "current-using": tube.users, "current-watching": tube.watchers, "current-waiting": len(tube.waiting),
        "cmd-delete": tube.counts["delete"], "cmd-pause-tube": tube.counts["pause"], "pause": int(tube.pause),
        "pause-time-left": int(max(tube.paused_until - now, 0)),
    })  # fmt: skip


def of_server(store: Store, largest: int, now: float) -> str:
    clients = store.clients
    return _yaml({
        **_jobs(store.jobs.values()), "job-timeouts": store.timeouts, "total-jobs": store.last,
        "max-job-size": largest, "current-tubes": len(store.tubes), "current-connections": len(clients),
        "current-producers": sum(client.is_producer for client in clients),
        "current-workers": sum(client.is_worker for client in clients),
        "current-waiting": sum(client.is_waiting for client in clients), "uptime": int(now - store.began),
        "draining": "false",
    })  # fmt: skip


def yaml_list(names: Iterable[str]) -> str:
    return "---\n" + "".join(f"- {name}\n" for name in names)


def _yaml(values: Mapping[str, object]) -> str:
    return "---\n" + "".join(f"{name}: {value}\n" for name, value in values.items())


def _jobs(jobs: Iterable[Job]) -> dict[str, int]:
    count = Counter[str]()
    for job in jobs:
        count[job.state.value] += 1
        count["urgent"] += job.state is State.READY and job.priority < URGENT
    return {f"current-jobs-{name}": count[name] for name in ("urgent", "ready", "reserved", "delayed", "buried")}
