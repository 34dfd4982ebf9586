from proxy.core.http.doorkeeper import Doorkeeper


def keys(start: int, count: int) -> list[bytes]:
    return [b"key %d" % number for number in range(start, start + count)]


def test_a_key_is_known_from_its_second_visit_on() -> None:
    door = Doorkeeper()
    for key in keys(0, 50):
        door.has_seen(key)
        assert door.has_seen(key)


def test_nearly_all_strangers_are_turned_away() -> None:
    door = Doorkeeper()
    let_in = sum(door.has_seen(key) for key in keys(0, 20_000))
    assert let_in < 20_000 / 256 * 2  # one in 256 has another's mark


def test_nearly_all_that_come_again_soon_are_known() -> None:
    door = Doorkeeper()
    for key in keys(0, 200):
        door.has_seen(key)
    assert sum(door.has_seen(key) for key in keys(0, 200)) > 170  # of 200 in 4096 places, 5 % share one


def test_its_memory_does_not_grow() -> None:
    door = Doorkeeper()
    for key in keys(0, 10_000):
        door.has_seen(key)
    assert len(door._marks) == 4096
