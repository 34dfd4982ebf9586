"""A server with faults. The path chooses (`GET /half-head`), or one for all with --fault; `GET /` is answered well.

python -m backends.misbehave --listen 127.0.0.1:9001 --fault reset-at-accept
"""

from __future__ import annotations

import argparse
import contextlib
import threading
from collections.abc import Callable

from backends._client import RESPONSE, Client
from backends._listen import announce, exit_on_sigterm, listening

KEEP = True  # what a fault returns when the connection goes on; otherwise it is closed
Fault = Callable[[Client], bool | None]
FAULTS: dict[str, Fault] = {}
AT_ACCEPT = {"close-at-accept", "reset-at-accept"}  # as --fault they act before the request is read
BODY_UNREAD = {"early-413", "early-413-close"}


def fault(function: Fault) -> Fault:
    FAULTS[function.__name__.strip("_").replace("_", "-")] = function
    return function


@fault
def none(client: Client) -> bool:
    client.send(RESPONSE)
    return KEEP


# No response, or not one.


@fault
def close_at_accept(client: Client) -> None:
    """Closed without a byte."""


@fault
def reset_at_accept(client: Client) -> None:
    client.reset()


@fault
def close_after_request(client: Client) -> None:
    """The request was read, so that it may have been carried out."""


@fault
def reset_after_request(client: Client) -> None:
    client.reset()


@fault
def hang(client: Client) -> None:
    client.wait_closed()


@fault
def garbage(client: Client) -> bool:
    client.send(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
    return KEEP


@fault
def half_head(client: Client) -> None:
    client.send(b"HTTP/1.1 200 OK\r\nContent-Le")


# Heads that are complete, but bad.


@fault
def slow_head(client: Client) -> bool:
    client.send_slowly(RESPONSE)
    return KEEP


@fault
def huge_head(client: Client) -> bool:
    client.send(b"HTTP/1.1 200 OK\r\nX-Huge: %b\r\nContent-Length: 2\r\n\r\nok" % (b"x" * 64 * 1024))
    return KEEP


@fault
def many_headers(client: Client) -> bool:
    headers = b"".join(b"X-%d: %d\r\n" % (number, number) for number in range(1000))
    client.send(b"HTTP/1.1 200 OK\r\n%bContent-Length: 2\r\n\r\nok" % headers)
    return KEEP


@fault
def obs_fold(client: Client) -> bool:
    client.send(b"HTTP/1.1 200 OK\r\nX-Folded: one\r\n two\r\nContent-Length: 2\r\n\r\nok")
    return KEEP


@fault
def bare_lf(client: Client) -> bool:
    client.send(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
    return KEEP


@fault
def length_and_chunked(client: Client) -> bool:
    client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    return KEEP


@fault
def two_lengths(client: Client) -> bool:
    client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok")
    return KEEP


@fault
def interim_storm(client: Client) -> bool:
    client.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000 + RESPONSE)
    return KEEP


# Bodies.


@fault
def half_body(client: Client) -> None:
    client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")


@fault
def half_body_reset(client: Client) -> None:
    half_body(client)
    client.sleep()  # a reset overtakes what is still under way
    client.reset()


@fault
def slow_body(client: Client) -> bool:
    client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    client.send_slowly(b"0123456789")
    return KEEP


@fault
def chunked_truncated(client: Client) -> None:
    client.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n")


@fault
def chunked_garbage(client: Client) -> bool:
    client.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n")
    return KEEP


@fault
def extra_bytes(client: Client) -> bool:
    client.send(RESPONSE + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
    return KEEP


@fault
def body_with_204(client: Client) -> bool:
    client.send(b"HTTP/1.1 204 No Content\r\n\r\nok")
    return KEEP


@fault
def close_delimited(client: Client) -> None:
    """No fault: an HTTP/1.0 server ends a body like this, and nobody can tell it from a truncated one."""
    client.send(b"HTTP/1.0 200 OK\r\n\r\nok")


# Right responses at a moment that surprises.


@fault
def early_413(client: Client) -> None:
    """Answers while the body is still coming, reads on, and never says close."""
    client.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
    client.wait_closed()


@fault
def early_413_close(client: Client) -> None:
    """The close on an unread body resets the connection, and the 413 with it when it was not read in time."""
    client.send(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")


@fault
def silent_close(client: Client) -> None:
    """A good response, then the idle connection is closed without a word before: the race of every reuse."""
    client.send(RESPONSE)


def serve_client(client: Client, everywhere: str | None) -> None:
    with contextlib.closing(client), contextlib.suppress(OSError, ValueError, IndexError):
        if everywhere in AT_ACCEPT:
            FAULTS[everywhere](client)
            return
        while serve_request(client, everywhere):
            pass


def serve_request(client: Client, everywhere: str | None) -> bool | None:
    """Whether the connection goes on."""
    head = client.read_head()
    if not head:
        return False
    path = head[0].decode("latin-1").split(" ")[1].partition("?")[0]
    name = everywhere or path.strip("/") or "none"
    if name not in BODY_UNREAD:
        client.read_body(head)
    return FAULTS.get(name, unknown)(client)


def unknown(client: Client) -> bool:
    client.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    return KEEP


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m backends.misbehave")
    parser.add_argument("--listen", metavar="ADDRESS", help="host:port, unix:/path or unix:@name")
    parser.add_argument("--fault", choices=sorted(FAULTS), metavar="NAME", help="for every request; see --list")
    parser.add_argument(
        "--pause", type=float, default=0.05, metavar="SECONDS", help="between the bytes of what is slow"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the faults")
    args = parser.parse_args()
    if not args.list and not args.listen:
        parser.error("--listen or --list is required")
    return args


def main() -> None:
    args = arguments()
    if args.list:
        print("\n".join(FAULTS))
        return
    exit_on_sigterm()
    with listening(args.listen) as sock:
        announce("misbehave", sock)
        while True:
            connection, _ = sock.accept()
            client = Client(connection, args.pause)
            threading.Thread(target=serve_client, args=(client, args.fault), daemon=True).start()


if __name__ == "__main__":
    main()
