"""How requests and responses travel as tuples: ["request", number, deadline, text] and ["answer", number, text]."""

from __future__ import annotations

import json

REQUESTS = ["request", None, None, None]  # patterns
ANSWERS = ["answer", None, None]


def line(order: dict[str, object]) -> bytes:
    return json.dumps(order).encode() + b"\n"


def as_text(content: bytes) -> str:
    """JSON has no bytes; so each becomes the character of its number."""
    return content.decode("latin-1")


def as_bytes(text: str) -> bytes:
    return text.encode("latin-1")
