"""Who is at the other end of a client's connection, as far as we know and believe it."""

from __future__ import annotations


class Peer:
    """One per connection. What stands between accept and the session (engine/arrival.py) may correct it and add to it.

    host, port: where the client connects from; "" and 0 for a Unix socket, whose clients have no address.
    local_host, local_port: what it connected to; never the unspecified address that a listener may have.
    counted_as: the client whose count of connections this one is in; "" when it is in none.
    """

    __slots__ = ("counted_as", "host", "local_host", "local_port", "port")

    def __init__(self, host: str = "", port: int = 0, local_host: str = "", local_port: int = 0) -> None:
        self.host = host
        self.port = port
        self.local_host = local_host
        self.local_port = local_port
        self.counted_as = ""
