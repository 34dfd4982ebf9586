"""All jobs, and who holds which: what each command does, without its words. Pure: `now` is an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.models.queue.beanstalk.client import Client
from proxy.lab.models.queue.beanstalk.tube import Job, State, Tube

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT = "default"
URGENT = 1024  # a priority below it is counted as urgent
SAFETY_MARGIN = 1.0  # seconds before a hold ends in which its holder is not made to wait (protocol.txt, DEADLINE_SOON)


class NotFound(Exception):
    """No such job, or none that this client may do this to."""


class Store:
    """jobs: by number. tubes: those that somebody uses or watches, or that have a job."""

    def __init__(self, now: float) -> None:
        self.jobs: dict[int, Job] = {}
        self.tubes: dict[str, Tube] = {}
        self.clients: dict[Client, None] = {}
        self.began = now
        self.timeouts = 0
        self.last = 0  # number of a job

    # ------------------------------------------------------------------------------------------------------- clients

    def join(self, given: Callable[[Job], None], refused: Callable[[bytes], None]) -> Client:
        default = self.tube(DEFAULT)
        default.users += 1
        default.watchers += 1
        client = Client(default, given, refused)
        self.clients[client] = None
        return client

    def leave(self, client: Client, now: float) -> None:
        """What it held is ready again at once."""
        client.end_waiting()
        del self.clients[client]
        for job in list(client.held.values()):
            self._let_go(job)
            self.make_ready(job, now)
        client.used.users -= 1
        for tube in (client.used, *client.watched.values()):
            tube.watchers -= client.watched.pop(tube.name, None) is not None
            self._drop_unused(tube)

    def tube(self, name: str) -> Tube:
        if name not in self.tubes:
            self.tubes[name] = Tube(name)
        return self.tubes[name]

    def use(self, client: Client, name: str) -> None:
        before, client.used = client.used, self.tube(name)
        client.used.users += 1
        before.users -= 1
        self._drop_unused(before)

    def watch(self, client: Client, name: str) -> None:
        if name not in client.watched:
            client.watched[name] = self.tube(name)
            client.watched[name].watchers += 1

    def ignore(self, client: Client, name: str) -> bool:
        """False for the last one, which stays."""
        if name not in client.watched:
            return True
        if len(client.watched) == 1:
            return False
        tube = client.watched.pop(name)
        tube.watchers -= 1
        self._drop_unused(tube)
        return True

    def _drop_unused(self, tube: Tube) -> None:
        if not (tube.users or tube.watchers or tube.jobs) and tube.name != DEFAULT:
            self.tubes.pop(tube.name, None)

    # ---------------------------------------------------------------------------------------------------------- jobs

    def put(self, tube: Tube, body: bytes, priority: int, delay: float, ttr: float, now: float) -> Job:
        self.last += 1
        job = self.jobs[self.last] = tube.jobs[self.last] = Job(self.last, tube, body, priority, max(ttr, 1.0), now)
        tube.counts["total"] += 1
        job.delay = delay
        return job

    def place(self, job: Job, now: float) -> None:
        """By its delay."""
        if job.delay > 0:
            job.state, job.due = State.DELAYED, now + job.delay
            job.tube.delayed.push(job)
        else:
            self.make_ready(job, now)

    def make_ready(self, job: Job, now: float) -> None:
        """It goes to whoever waits for it longest."""
        job.state = State.READY
        job.tube.ready.push(job)
        if job.tube.waiting:
            self._serve(job.tube, now)

    def _serve(self, tube: Tube, now: float) -> None:
        while tube.waiting and tube.paused_until <= now and (job := tube.ready.top()) is not None:
            client = next(iter(tube.waiting))
            client.end_waiting()
            self.hold(client, job, now)
            client.given(job)

    def reserve(self, client: Client, timeout: float, now: float) -> Job | None:
        """The most urgent of what it watches. None: it was told that there is none, or it waits."""
        tops = [job for tube in client.watched.values() if tube.paused_until <= now and (job := tube.ready.top())]
        if tops:
            job = min(tops, key=lambda job: (job.priority, job.number))
            self.hold(client, job, now)
            return job
        if client.first_deadline() - now <= SAFETY_MARGIN:
            client.refused(b"DEADLINE_SOON")
        elif timeout <= 0:
            client.refused(b"TIMED_OUT")
        else:
            client.wait(now + timeout)
        return None

    def hold(self, client: Client, job: Job, now: float) -> None:
        job.tube.buried.pop(job, None)
        job.state, job.holder, job.due = State.RESERVED, client, now + job.ttr
        job.counts["reserves"] += 1
        client.held[job.number] = job

    def find(self, number: int) -> Job:
        """Raises NotFound."""
        if number not in self.jobs:
            raise NotFound
        return self.jobs[number]

    def held(self, client: Client, number: int) -> Job:
        """Raises NotFound."""
        if number not in client.held:
            raise NotFound
        return client.held[number]

    def release(self, job: Job, priority: int, delay: float, now: float) -> None:
        self._let_go(job)
        job.priority, job.delay = priority, delay
        job.counts["releases"] += 1
        self.place(job, now)

    def bury(self, job: Job, priority: int) -> None:
        self._let_go(job)
        job.state, job.priority = State.BURIED, priority
        job.counts["buries"] += 1
        job.tube.buried[job] = None

    def delete(self, client: Client, number: int) -> None:
        """Raises NotFound, also when another client holds it."""
        job = self.jobs.get(number)
        if job is None or job.holder not in (None, client):
            raise NotFound
        self._let_go(job)
        job.state = State.DELETED
        job.tube.buried.pop(job, None)
        job.tube.counts["delete"] += 1
        del self.jobs[number], job.tube.jobs[number]
        self._drop_unused(job.tube)

    def kick(self, job: Job, now: float) -> None:
        """Buried or delayed, it is ready. Raises NotFound when it is neither."""
        if job.state not in (State.BURIED, State.DELAYED):
            raise NotFound
        job.tube.buried.pop(job, None)
        job.counts["kicks"] += 1
        self.make_ready(job, now)

    def pause(self, tube: Tube, seconds: float, now: float) -> None:
        tube.pause, tube.paused_until = seconds, now + seconds
        tube.counts["pause"] += 1
        self._serve(tube, now)

    def _let_go(self, job: Job) -> None:
        if job.holder is not None:
            del job.holder.held[job.number]
            job.holder = None

    # ---------------------------------------------------------------------------------------------------------- time

    def tick(self, now: float) -> None:
        """Does what is due. 5 us with ten clients who hold a job each."""
        for client in list(self.clients):
            self._expire(client, now)
        for tube in list(self.tubes.values()):
            while (job := tube.delayed.top()) is not None and job.due <= now:
                self.make_ready(job, now)
            if tube.paused_until and tube.paused_until <= now:
                tube.pause = tube.paused_until = 0.0
                self._serve(tube, now)

    def _expire(self, client: Client, now: float) -> None:
        for job in [job for job in client.held.values() if job.due <= now]:
            self._let_go(job)
            self.timeouts += 1
            job.counts["timeouts"] += 1
            self.make_ready(job, now)
        if client.is_waiting and client.first_deadline() - now <= SAFETY_MARGIN:
            client.end_waiting()
            client.refused(b"DEADLINE_SOON")
        elif client.is_waiting and client.waits_until <= now:
            client.end_waiting()
            client.refused(b"TIMED_OUT")
