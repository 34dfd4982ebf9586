from proxy.core.metrics.times import bucket_of
from proxy.core.metrics.told import BackendTold, Ended, FrontendTold, PoolTold, Told, ToldTimes
from proxy.core.metrics.totals import UNTOLD, Counted, Totals

A, B = "127.0.0.1:1", "127.0.0.1:2"


def told(count: int = 1, *, backend: str = A, active: int = 0, taken: int = 0) -> Told:
    web = FrontendTold(
        active=active,
        accepted=count,
        ended=[Ended("app", backend, 200, "ok", count, 10, 20), Ended("", "", 400, "parse/syntax", 1, 1, 2)],
        phases={"total": ToldTimes({bucket_of(0.25): count}, 0.25 * count)},
        latencies={"app": {backend: {bucket_of(0.25): count}}},
    )
    app = PoolTold(waiting=1, retried={"connect": 1}, backends={backend: BackendTold(taken, 5, count, {"reset": 1})})
    return Told({"web": web}, {"app": app})


def test_what_several_workers_tell_adds_up() -> None:
    totals = Totals()
    totals.add(1, told(2), now=0.0)
    totals.add(2, told(3), now=0.0)
    totals.add(1, told(4, backend=B), now=0.5)
    web, app = totals.frontend("web"), totals.pool("app")
    assert web.accepted == 9
    assert web.statuses == {"200": 9, "400": 3}
    assert web.reasons == {"ok": 9, "parse/syntax": 3}
    assert (web.bytes_in, web.bytes_out) == (33, 66)
    assert (web.phases["total"].count, web.phases["total"].sum) == (9, 2.25)
    assert app.retried == {"connect": 3}
    assert (app.backends[A].picked, app.backends[B].picked) == (5, 4)
    assert app.backends[A].statuses == {"200": 5}
    assert app.backends[A].failures == {"reset": 2}
    assert app.backends[A].bytes_out == 40
    assert app.backends[A].latency.percentiles((1.0,), now=1.0) == [0.25]
    assert [totals.workers[number].exchanges for number in (1, 2)] == [8, 4]


def test_what_is_true_of_the_moment_is_that_of_the_living() -> None:
    totals = Totals()
    totals.add(1, told(active=2, taken=1), now=0.0)
    totals.add(2, told(active=3, taken=4), now=0.0)
    totals.add(2, told(active=5, taken=6), now=0.5)
    now = (totals.active("web"), totals.waiting("app"), totals.holdings("app"))
    assert now == (7, 2, {A: (7, 10)})
    totals.lost(2, {})
    totals.lost(3, {})
    now = (totals.active("web"), totals.waiting("app"), totals.holdings("app"))
    assert now == (2, 1, {A: (1, 5)})
    assert totals.frontend("web").accepted == 3
    assert totals.workers[2].active == 0


def test_what_a_killed_worker_counted_and_did_not_tell_is_added() -> None:
    totals = Totals()
    for life in (1, 2):  # the second process counts from 0 again
        totals.add(2, told(3), now=0.0)
        told_so_far = totals.workers[2].told["web"]
        totals.lost(2, {"web": Counted(told_so_far.accepted + 10, told_so_far.exchanges + 4), "new": Counted(1, 0)})
        web = totals.frontend("web")
        assert web.exchanges["", 0, UNTOLD] == 4 * life
        assert totals.workers[2].exchanges == web.reasons.total() == 4 * life + told_so_far.exchanges * life
        assert totals.frontend("new").accepted == life
    totals.lost(2, {"web": Counted(0, 0)})  # killed before it counted anything
    assert web.exchanges["", 0, UNTOLD] == 8


def test_nobody_has_what_nobody_told_of() -> None:
    totals = Totals()
    totals.add(1, Told(), now=0.0)
    assert (totals.active("web"), totals.waiting("app"), totals.holdings("app")) == (0, 0, {})


def test_what_is_configured_no_more_is_forgotten_and_the_rest_kept() -> None:
    totals = Totals()
    totals.add(1, told(), now=0.0)
    totals.add(1, told(backend=B), now=0.0)
    totals.keep({"web": None}, {"app": {B: None}})
    assert totals.pools["app"].backends.keys() == {B}
    assert totals.frontend("web").accepted == 2
    totals.keep({}, {})
    assert (totals.frontends, totals.pools) == ({}, {})
