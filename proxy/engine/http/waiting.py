"""What an exchange can be waiting for: decides whose fault a passed deadline is."""

from __future__ import annotations

from enum import Enum, auto


class Waiting(Enum):
    SLOT = auto()
    BACKLOG = auto()
    CONNECT = auto()
    REQUEST_BODY = auto()
    BACKEND_TO_READ = auto()
    RESPONSE_HEAD = auto()
    RESPONSE_BODY = auto()
    CLIENT_TO_READ = auto()
