"""A stand-in for the simulation: workers, and what was started on them, in order."""

from __future__ import annotations

from proxy.lab.simulate.work import Connection, Job, Worker


class Recorder:
    def __init__(self, workers: int, slots: int = 1) -> None:
        self.workers = [Worker(number, slots) for number in range(workers)]
        self.started: list[tuple[int, int]] = []  # worker, job
        self._numbers = 0

    def start(self, worker: Worker, job: Job) -> None:
        assert worker.free > 0
        worker.free -= 1
        self.started.append((worker.number, job.number))

    def job(self, connection: Connection | None = None) -> Job:
        """Numbered from 0, and so are its arrivals."""
        job = Job(self._numbers, float(self._numbers), 1.0)
        job.connection = connection
        self._numbers += 1
        return job
