from __future__ import annotations

from random import Random

from balance_support import backends_of, filled, picks

from proxy.core.balance.only_one import OnlyOne


def test_it_picks_the_one_there_is_however_busy() -> None:
    (backend,) = backends_of(3)
    policy = filled(OnlyOne(), [backend])
    backend.taken = 7
    policy.moved(backend)
    assert picks(policy, 3) == [backend] * 3


def test_it_comes_and_goes() -> None:
    (backend,) = backends_of(1)
    policy = OnlyOne()
    for _ in range(2):
        policy.add(backend)
        assert policy.pick(None, Random(0)) is backend
        policy.remove(backend)
