"""A repeatable stream of bytes: the server makes it, the tester computes its checksum without keeping either copy."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 64 * 1024


def blocks(size: int, seed: int) -> Iterator[bytes]:
    """The first `size` bytes of stream number `seed`; every block is a full one but the last."""
    rng = random.Random(seed)
    for start in range(0, size, BLOCK):
        yield rng.randbytes(BLOCK)[: size - start]


def checksum(size: int, seed: int) -> str:
    """The sha256 of those bytes, in hexadecimal."""
    digest = hashlib.sha256()
    for block in blocks(size, seed):
        digest.update(block)
    return digest.hexdigest()
