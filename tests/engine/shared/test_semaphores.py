from __future__ import annotations

import os

import pytest

from proxy.core.workers.share import Share
from proxy.engine.shared.semaphores import Semaphores

A, B = ("app", "unix:/a"), ("app", "unix:/b")


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def share(*limited: tuple[str, str], new: tuple[tuple[str, str], ...] = ()) -> Share:
    return Share(limited=frozenset(limited), semaphores=new)


def test_each_is_closed_when_no_share_and_no_backend_needs_it() -> None:
    semaphores, (a, b, again) = Semaphores(), (os.eventfd(0) for _ in range(3))
    semaphores.adopt(share(A, B, new=(A, B)), [a, b])
    assert semaphores.use(A) == semaphores.use(A) == a
    semaphores.let_go(a)
    semaphores.let_go(a)
    assert is_open(a)  # for the next
    semaphores.use(A)
    semaphores.adopt(share(B), [])
    assert is_open(a)
    with pytest.raises(KeyError):
        semaphores.use(A)
    semaphores.adopt(share(A, B, new=(A,)), [again])
    assert semaphores.use(A) == again
    semaphores.let_go(a)
    assert [is_open(each) for each in (a, b, again)] == [False, True, True]
    semaphores.let_go(again)
    semaphores.adopt(share(), [])
    assert not is_open(b)
    assert not is_open(again)


def test_a_second_descriptor_of_what_is_known_is_closed() -> None:
    semaphores, first, second = Semaphores(), os.eventfd(0), os.eventfd(0)
    semaphores.adopt(share(A, new=(A,)), [first])
    semaphores.adopt(share(A, new=(A,)), [second])
    assert [is_open(first), is_open(second)] == [True, False]
    semaphores.adopt(share(), [])
