"""What became of a request that was not answered, in one word each."""

from __future__ import annotations

import errno

TIMEOUT = "timeout"  # sent, or connecting, and nothing came in time: it hangs
UNSENT = "unsent"  # no connection was free for it in time
CLOSED = "closed"  # the server ended the connection properly before the answer was whole
GARBLED = "garbled"  # an answer that is none
OWN = "own-"  # prefix: our own fault, so that the result is not valid

_OF_ERRNO = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNABORTED: "reset",
    errno.ENOENT: "no-socket",
    errno.EAGAIN: "backlog-full",  # connect to a Unix socket; a TCP socket drops the SYN, and that ends in a timeout
    errno.ETIMEDOUT: TIMEOUT,
    errno.EMFILE: OWN + "descriptors",
    errno.ENFILE: OWN + "descriptors",
    errno.EADDRNOTAVAIL: OWN + "ports",
    errno.ENOBUFS: OWN + "memory",
    errno.ENOMEM: OWN + "memory",
}


def cause_of(error: OSError) -> str:
    """In the words above, else the name of the errno."""
    number = error.errno or 0
    return _OF_ERRNO.get(number) or errno.errorcode.get(number, "unknown").lower()


def cause_of_status(status: int) -> str:
    """Empty for an answer as it should be: an error is 400 and above."""
    return f"status-{status}" if status >= 400 else ""
