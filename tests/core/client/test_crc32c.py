"""The check value of every catalogue, and the examples of RFC 3720 appendix B.4."""

from __future__ import annotations

import pytest

from proxy.core.client.crc32c import crc32c


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_known_sums(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected
