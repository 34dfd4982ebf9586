from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.errors import BadRequest
from proxy.core.http.head_cache import LARGEST, HeadCache
from proxy.core.http.request import RequestParser


def use(cache: HeadCache[str], data: bytes) -> str:
    found = cache.find(data)
    if found is None:
        found = data.decode()
        cache.offer(data, found)
    return found


def test_head_is_kept_from_its_second_appearance_on() -> None:
    cache: HeadCache[str] = HeadCache()
    cache.offer(b"a", "A")
    assert cache.find(b"a") is None
    cache.offer(b"a", "A")
    assert cache.find(b"a") == "A"


def test_one_in_use_survives_a_generation_and_one_unused_does_not() -> None:
    cache: HeadCache[str] = HeadCache(limit=4)
    for _ in range(2):
        use(cache, b"used")
        use(cache, b"unused")
    for number in range(100):
        assert cache.find(b"used") == "used"
        for _ in range(2):
            use(cache, b"%d" % number)
    assert cache.find(b"unused") is None


def test_large_heads_are_not_kept_so_that_the_bound_holds_in_bytes_too() -> None:
    cache: HeadCache[str] = HeadCache()
    for size in (LARGEST, LARGEST + 1):
        for _ in range(2):
            cache.offer(b"x" * size, "head")
    assert [len(data) for data in cache.hot] == [LARGEST]


@given(st.integers(1, 8), st.lists(st.integers(0, 30), max_size=300))
def test_it_never_holds_more_than_two_generations_and_never_the_wrong_head(limit: int, numbers: list[int]) -> None:
    cache: HeadCache[str] = HeadCache(limit)
    hot = cache.hot
    for number in numbers:
        assert use(cache, b"%d" % number) == str(number)
        assert cache.hot is hot  # the engine holds on to `hot.get`
        assert len(hot) <= limit
        assert sum(find_without_moving(cache, b"%d" % other) for other in range(31)) <= 2 * limit


def find_without_moving(cache: HeadCache[str], data: bytes) -> bool:
    return data in cache.hot or data in cache._cold


@given(st.lists(st.sampled_from([b"X-A: 1", b"X-B: 2", b"Connection: close", b"Host: a", b"Expect: x"]), max_size=4))
def test_same_result_as_parsing(lines: list[bytes]) -> None:
    data = b"\r\n".join([b"GET / HTTP/1.1", *lines, b"", b""])
    parser, cache = RequestParser(), HeadCache[bytes]()
    results = set()
    for _ in range(4):
        forward = cache.hot.get(data)
        if forward is None:
            try:
                forward = parser.parse(data).forward
            except BadRequest:
                break
            cache.offer(data, forward)
        results.add(forward)
    assert len(results) <= 1
