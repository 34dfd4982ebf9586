import trio
import trio.testing

from proxy.serve.control.bell import Bell


async def test_a_ring_wakes_all_who_wait_and_nobody_who_comes_later() -> None:
    bell = Bell()
    woken: list[int] = []

    async def wait(number: int) -> None:
        await bell.wait()
        woken.append(number)

    bell.ring()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, 1)
        nursery.start_soon(wait, 2)
        await trio.testing.wait_all_tasks_blocked()
        assert not woken
        bell.ring()
        bell.ring()
        await trio.testing.wait_all_tasks_blocked()
        assert sorted(woken) == [1, 2]
        nursery.start_soon(wait, 3)
        await trio.testing.wait_all_tasks_blocked()
        assert len(woken) == 2
        bell.ring()


def test_it_can_be_rung_outside_of_trio() -> None:
    Bell().ring()
