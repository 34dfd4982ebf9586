"""What a request asks of our servers."""

from __future__ import annotations

import time

import pytest

from backends._options import Options, options_of, work


def test_what_stands_in_the_query_is_done() -> None:
    defaults = Options(size=3)
    assert options_of(b"", defaults) == options_of(b"other=1&cpu", defaults) == defaults
    options = options_of(b"cpu=0.01&block=0.02&delay=1&size=10&chunked=1", defaults)
    assert options == Options(delay=1.0, block=0.02, cpu=0.01, size=10, chunked=True)
    before = time.process_time(), time.monotonic()
    work(options)
    assert time.process_time() - before[0] >= 0.01
    assert time.monotonic() - before[1] >= 0.03


@pytest.mark.parametrize("query", [b"cpu=much", b"size=-1", b"size=1.5", b"delay=", b"status=101"])
def test_what_is_no_number_is_refused(query: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        options_of(query, Options())
