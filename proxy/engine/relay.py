"""Bytes both ways between two connected sockets, with half-close, until both directions have ended."""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import termios
from typing import TYPE_CHECKING

from proxy.core.errors import BackendClosed, BackendTimeout, ClientGone, ProxyError
from proxy.engine.flow import BLOCKED, DONE, DRY, MORE, Flow, SinkError, SourceError
from proxy.engine.reactor import BROKEN, HANG_UP, READ_WRITE, WRITABLE

if TYPE_CHECKING:
    from proxy.engine.reactor import Reactor
    from proxy.engine.sock import Sock
    from proxy.engine.timers import Bucket

_RESET = struct.pack("ii", 1, 0)


def reset_on_close(sock: Sock) -> None:
    """The next `close` sends RST instead of FIN, so that the peer does not take what it got for the whole."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    except OSError:
        pass  # already gone


def unacknowledged(sock: Sock) -> int:
    """Bytes that the peer's kernel has not taken yet (SIOCOUTQ, tcp(7)); memory and not bytes for a Unix socket."""
    try:
        return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4), sys.byteorder)
    except OSError:
        return 0


def _end_of_stream(sock: Sock) -> bool:
    """False if it finds no room now: TLS says something before it."""
    try:
        sock.shutdown(socket.SHUT_WR)
    except BlockingIOError:
        return False
    except OSError:
        pass  # the peer is gone, which the other direction learns by itself
    return True


class Relay:
    """Base of TCP sessions and of tunnels. The owner registers `on_client` and `on_server` and defines `ended`.

    up: client to server; down: server to client. deadline: pushed on by every event, `idle` seconds ahead.
    """

    __slots__ = ("bucket", "client", "deadline", "down", "down_is_blocked", "down_is_scheduled", "flows", "idle",
                 "is_server_reset", "reactor", "server", "up", "up_is_blocked", "up_is_scheduled")  # fmt: skip

    reactor: Reactor
    client: Sock
    server: Sock
    flows: tuple[Flow, Flow] | None  # up and down, for the bytes they counted, after their ends as well
    up: Flow | None  # None once this direction has ended and its end was passed on
    down: Flow | None
    idle: float
    deadline: float
    bucket: Bucket | None

    def begin_relay(self, client: Sock, server: Sock) -> None:
        self.client, self.server = client, server
        self.flows = self.up, self.down = Flow(client, server), Flow(server, client)
        self.up_is_blocked = self.down_is_blocked = False
        self.up_is_scheduled = self.down_is_scheduled = False
        self.is_server_reset = False  # a `send` has taken the error, so that `recv` will report an end like any other

    def on_client(self, mask: int) -> None:
        self.deadline = self.reactor.now + self.idle
        if mask & WRITABLE and self.down_is_blocked:
            self.pump_down()
        if self.up is not None:
            if mask & HANG_UP:
                if mask & BROKEN and self.up_is_blocked:  # its bytes cannot be read to the error behind them
                    self.abort(ClientGone("client-reset"))
                    return
                self.up.hang_up = True
            self.pump_up()
        if mask & BROKEN and self.up is None and self.down is not None:
            # It ended its side, maybe with this very event, and nothing is read from it that could tell of the reset.
            self.abort(ClientGone("client-reset"))

    def on_server(self, mask: int) -> None:
        self.deadline = self.reactor.now + self.idle
        if mask & WRITABLE and self.up_is_blocked:
            self.pump_up()
        if self.down is not None:
            if mask & HANG_UP:
                self.down.hang_up = True
            self.pump_down()
        elif mask & BROKEN:  # behind its end of stream
            error = BackendClosed("backend-reset", phase="tunnel")
            if unacknowledged(self.client):
                self.ended(error)  # a reset would take what the client is still to get
            else:
                self.abort(error)

    def pump_up(self) -> None:
        flow = self.up
        if flow is None:
            return
        try:
            stopped = flow.pump()
        except SourceError as error:
            self.abort(ClientGone("client-reset", str(error.__cause__)))
        except SinkError as error:
            self._server_broke(error)
        else:
            if stopped != DRY or self.up_is_blocked:
                self._up_stopped(flow, stopped)

    def _up_stopped(self, flow: Flow, stopped: int) -> None:
        if stopped == DONE and not _end_of_stream(self.server):
            stopped = BLOCKED  # its end is read again when the server is writable
        if stopped == BLOCKED and not self.up_is_blocked:
            self.reactor.watch(self.server.fileno(), READ_WRITE)
        self.up_is_blocked = stopped == BLOCKED
        if stopped == DONE:
            self.up = None
            flow.close()
            self._end_if_both_did()
        elif stopped == MORE and not self.up_is_scheduled:
            self.up_is_scheduled = True
            self.reactor.call_soon(self._pump_up_again)

    def _pump_up_again(self) -> None:
        self.up_is_scheduled = False
        self.pump_up()

    def pump_down(self) -> None:
        flow = self.down
        if flow is None:
            return
        try:
            stopped = flow.pump()
        except SourceError as error:
            self.abort(BackendClosed("backend-reset", str(error.__cause__), phase="tunnel"))
        except SinkError as error:
            self.abort(ClientGone("client-reset", str(error.__cause__)))
        else:
            if stopped != DRY or self.down_is_blocked:
                self._down_stopped(flow, stopped)

    def _down_stopped(self, flow: Flow, stopped: int) -> None:
        if stopped == DONE and not self.is_server_reset and not _end_of_stream(self.client):
            stopped = BLOCKED
        if stopped == BLOCKED and not self.down_is_blocked:
            self.reactor.watch(self.client.fileno(), READ_WRITE)
        self.down_is_blocked = stopped == BLOCKED
        if stopped == DONE and self.is_server_reset:
            self.abort(BackendClosed("backend-reset", phase="tunnel"))
        elif stopped == DONE:
            self.down = None
            flow.close()
            self._end_if_both_did()
        elif stopped == MORE and not self.down_is_scheduled:
            self.down_is_scheduled = True
            self.reactor.call_soon(self._pump_down_again)

    def _pump_down_again(self) -> None:
        self.down_is_scheduled = False
        self.pump_down()

    def _server_broke(self, error: SinkError) -> None:
        """It takes no more, but what it said before it left still waits in our receive buffer: deliver that."""
        if self.up is not None:
            self.up.close()
            self.up = None
        if self.down is not None:
            self.down.hang_up = True
            self.is_server_reset = isinstance(error.__cause__, ConnectionResetError)
            self.pump_down()
        else:
            self.abort(BackendClosed("backend-reset", str(error.__cause__), phase="tunnel"))

    def _end_if_both_did(self) -> None:
        if self.up is None and self.down is None:
            self.ended(None)

    def timed_out(self) -> None:
        self.abort(BackendTimeout("idle", "no byte either way for too long", phase="tunnel"))

    def crashed(self, error: Exception) -> None:
        self.abort(ProxyError("crash", repr(error), phase="tunnel"))

    def abort(self, error: ProxyError) -> None:
        """Ends both sides so that neither can take it for a clean end."""
        reset_on_close(self.client)
        reset_on_close(self.server)
        self.ended(error)

    def release_flows(self) -> None:
        for flow in (self.up, self.down):
            if flow is not None:
                flow.close()
        self.up = self.down = None

    def ended(self, error: ProxyError | None) -> None:
        """Close both sockets, give back the slot, record. Called once."""
        raise NotImplementedError
