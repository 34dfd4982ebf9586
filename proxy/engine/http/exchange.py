"""One request and its response: pick a backend, take a slot, connect, write, read, pass on, give back the slot.

Over 500 lines in one file, because all of them are steps and ends of one state machine; what can stand by itself does:
upload, download, retries, leftover, tunnel.
"""

from __future__ import annotations

import os
import select
import socket
from typing import TYPE_CHECKING

from proxy.core.errors import (
    BackendClosed,
    BackendTimeout,
    BadResponse,
    ClientGone,
    ConnectFailed,
    ConnectTimeout,
    Draining,
    NoBackend,
    ProxyError,
)
from proxy.core.http.framing import END_OF_HEAD
from proxy.core.http.response import could_be_response
from proxy.core.retry import BAD_RESPONSE, CLOSED, HEAD_TIMEOUT, RESET, UNHEALTHY
from proxy.engine.backend import connect_failed
from proxy.engine.flow import FIRST_READ
from proxy.engine.http.download import Download
from proxy.engine.http.leftover import Leftover
from proxy.engine.http.retries import Retries
from proxy.engine.http.tunnel import Tunnel
from proxy.engine.http.upload import Upload, split_body
from proxy.engine.http.waiting import Waiting
from proxy.engine.observing import FAILURES
from proxy.engine.reactor import HANG_UP, WRITABLE

if TYPE_CHECKING:
    from proxy.core.http.request import RequestHead
    from proxy.core.http.response import ResponseHead
    from proxy.engine.backend import LiveBackend
    from proxy.engine.http.connection import BackendConnection
    from proxy.engine.http.live_route import LiveRoute
    from proxy.engine.http.session import HttpSession

RESPONSE_HEAD_LIMIT = 64 * 1024
FIRST_BYTES = len(b"HTTP/1.1")
MAX_INTERIM = 32  # 1xx responses to one request


_RESPONSE_HEAD = Waiting.RESPONSE_HEAD  # a member of an Enum costs 40 ns to look up


class Exchange:
    """Both sockets' events come here while it lives; its deadline is the session's.

    request: the head for the backend and as much of the body as came with it; kept for another try, and b"" once a part
    of the request was sent that is kept no longer. retries: None until a try has failed.
    upload: what one `send` did not take; None once the backend's socket has taken everything.
    download: a response that is not complete in one read. answer: bytes of a response head that is not complete.

    Methods on state, not a generator that the reactor steps. Measured on this path without its sockets, on one core:
    written flat, 2.1 us by methods and 2.0 by a generator; divided as here, 3.7. So the shape is worth 0.1 us of some
    18 that an exchange costs, and calls are what costs; methods take an event, a deadline, a freed slot or a shutdown
    in any state without a frame to throw it into.
    """

    __slots__ = ("answer", "backend", "connection", "download", "head", "interim_count", "is_over", "is_upload_cut",
                 "pool", "request", "retries", "route", "session", "upload", "waiting")  # fmt: skip

    def __init__(self, session: HttpSession, head: RequestHead, route: LiveRoute) -> None:
        self.session = session
        self.head = head
        self.route = route
        self.pool = route.pool
        self.request = b""
        self.backend: LiveBackend | None = None
        self.connection: BackendConnection | None = None
        self.retries: Retries | None = None
        self.upload: Upload | None = None
        self.download: Download | None = None
        self.answer = b""
        self.interim_count = 0
        self.is_upload_cut = False  # the backend stopped reading: neither connection can carry another exchange
        self.is_over = False
        self.waiting = _RESPONSE_HEAD

    # ------------------------------------------------------------------ pick

    def start(self) -> None:
        """session.buffer: what came behind the head; what of it is not our body is left there."""
        if self.is_over:
            return
        head = self.head
        self.request = head.forward + self.session.client_fields
        if head.length:
            try:
                self.upload = split_body(self)
            except ProxyError as error:
                self.fail(error)
                return
        backend = self.pool.take()  # as in `pick_again`: a call costs 50 ns
        if backend is not None:
            self.connect(backend)
        else:
            self._find_none_ready()

    def pick_again(self) -> None:
        """Everything begins anew, but for what was read of the request."""
        backend = self.pool.take()
        if backend is not None:
            self.connect(backend)
        else:
            self._find_none_ready()

    def _find_none_ready(self) -> None:
        if self.pool.is_full:
            self.wait_for_slot()
        else:
            self.fail(NoBackend())

    def wait_for_slot(self) -> None:
        if self.pool.wait(self):
            self.wait(Waiting.SLOT, self.pool.timeouts.queue)
        else:
            self.fail(NoBackend("queue-full"))

    def slot_freed(self, backend: LiveBackend) -> None:
        """The pool took a slot for us."""
        if self.is_over:
            self.pool.give_back(backend)
        else:
            tried = self.retries.tried if self.retries is not None else ()
            self.connect(self.pool.prefer_untried(backend, tried))

    # ------------------------------------------------------------------ dial, write

    def connect(self, backend: LiveBackend, is_fresh: bool = False) -> None:
        """A slot of `backend` is taken. is_fresh: over no idle connection.

        Most requests go out in one `send`, over a new connection as well: `LiveBackend.dial` says why.
        """
        self.backend = backend
        connection = None if is_fresh else backend.take_idle(self.session.peer)
        if connection is None:
            try:
                connection = self.pool.connect(self.session.reactor, backend, self.session.peer)
            except ConnectFailed as error:
                self.again().connect_failed(error)
                return
        self.connection = connection
        connection.exchange = self
        if self.upload is not None:
            self._begin_upload(connection, self.request)
            return
        request = self.request
        try:
            sent = connection.send(request)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.connection_broke(error, is_unsent=True)
            return
        if sent < len(request):
            self.upload = Upload.of_nothing_more(self)
            self._begin_upload(connection, request[sent:])
            return
        if not connection.is_reused:
            connection.is_connected = True
            connection.register(for_writing=False)
            self.pool.connected(backend)
        self.waiting = _RESPONSE_HEAD
        session = self.session
        session.deadline = session.reactor.now + self.pool.timeouts.response_head

    def _begin_upload(self, connection: BackendConnection, data: bytes) -> None:
        assert self.upload is not None
        if not connection.is_reused:
            self.wait(Waiting.CONNECT, self.pool.timeouts.connect)
            connection.register(for_writing=True)
        self.upload.begin(connection, data)

    def upload_done(self) -> None:
        """The backend's socket has taken the whole request."""
        self.upload = None
        if self.download is None:
            self.wait(Waiting.RESPONSE_HEAD, self.pool.timeouts.response_head)

    def backend_stopped_reading(self, error: OSError) -> None:
        """It may have answered before it closed, and that answer is worth more than our complaint."""
        connection, upload = self.connection, self.upload
        assert connection is not None and upload is not None
        if not connection.is_connected:
            self.connection_broke(error)
            return
        if self.download is None:
            self._read_head(HANG_UP)  # an answer, or its absence, which may mean another try
        if self.connection is connection:
            upload.flow.close()
            self.upload = None
            self.is_upload_cut = True
            self.request = b""
            if self.download is None:
                self.wait(Waiting.RESPONSE_HEAD, self.pool.timeouts.response_head)

    # ------------------------------------------------------------------ events

    def on_client(self, mask: int) -> None:
        if mask & HANG_UP:
            self.abort(ClientGone())
            return
        if mask & WRITABLE and self.download is not None:
            self.download.pump()
        if mask & select.EPOLLIN and not self.is_over:
            if self.upload is None:
                self.session.may_read = True
            else:
                self.upload.pump()

    def on_backend(self, mask: int) -> None:
        if (self.upload is not None or self.download is not None) and not self._carry_bodies(mask):
            return
        if mask & (select.EPOLLIN | HANG_UP):
            self._read_head(mask)

    def _carry_bodies(self, mask: int) -> bool:
        """False when the event needs nothing more."""
        if self.upload is not None and mask & (WRITABLE | HANG_UP):
            if mask & HANG_UP and self._failed_to_connect():
                return False
            self.upload.pump_into_backend()
            if self.is_over or self.connection is None or not self.connection.is_connected:
                return False
        if self.download is None:
            return True
        if mask & HANG_UP:
            self.download.flow.hang_up = True
        self.download.pump()
        return False

    def _failed_to_connect(self) -> bool:
        """Whether the handshake failed; another backend is tried then."""
        connection = self.connection
        assert connection is not None
        if connection.is_connected:
            return False
        code = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.connection_broke(OSError(code, os.strerror(code)))
        return code != 0

    # ------------------------------------------------------------------ read

    def _read_head(self, mask: int) -> None:
        """Flat, because every exchange passes here: split in three it cost 0.2 us more, of 4 in all."""
        connection, find = self.connection, self.route.find_response
        assert connection is not None
        while True:
            try:
                data = connection.recv(FIRST_READ)
            except BlockingIOError:
                return
            except OSError as error:
                self.connection_broke(error)
                return
            if not data:
                self.connection_broke(None)
                return
            is_short = len(data) < FIRST_READ
            if self.answer:
                data = self.answer + data
            while (end := data.find(END_OF_HEAD) + len(END_OF_HEAD)) >= len(END_OF_HEAD):
                raw, body = data[:end], data[end:]
                response = find(raw) or self._parse_response(raw)
                if response is None:
                    return
                is_final = response.is_final
                if is_final and self.backend.failed_answers:  # type: ignore[union-attr] # its connection is ours
                    self.pool.answered(self.backend)  # type: ignore[arg-type]
                if is_final or self._is_passed_on(response):
                    length = 0 if self.head.is_head else response.length
                    if 0 <= length <= len(body):
                        # Bytes behind a response, or an end of stream, spend the connection.
                        is_clean = is_short and length == len(body) and not mask & HANG_UP
                        if self.upload is None:
                            self.session.reactor.call_soon(self._finish_whole, response, body[:length], is_clean)
                        else:  # an early answer: the next event may break the connection, with the answer in hand
                            self._finish_whole(response, body[:length], is_clean)
                    else:
                        self._stream(response, body, length, hang_up=bool(mask & HANG_UP))
                    return
                if self.connection is not connection or not self._take_interim(response, body):
                    return
                data = body
            self.answer = data
            if len(data) > RESPONSE_HEAD_LIMIT:
                self._refuse_head()
                return
            if data and not could_be_response(data):
                self._refuse(BadResponse("response-syntax", "this is not HTTP/1"), data)
                return
            if is_short and not mask & HANG_UP:
                return

    def _parse_response(self, raw: bytes) -> ResponseHead | None:
        """None when it is not one that we would pass on; the exchange is over then."""
        route = self.route
        response = route.heads.find(raw)
        if response is None:
            if len(raw) > RESPONSE_HEAD_LIMIT:
                self._refuse_head()
                return None
            try:
                response = route.parse_response(raw)
            except BadResponse as error:
                self._refuse(error, raw)
                return None
            if not route.pool.parser.met_new:
                route.heads.offer(raw, response)
            status = response.status
            response.is_final = status >= 200 and status not in self.pool.retry.statuses and status not in FAILURES
            if response.idle_timeout is not None and self.backend is not None:
                self.backend.idle_life.told(response.idle_timeout)
        return response

    def _is_passed_on(self, response: ResponseHead) -> bool:
        """Not a 1xx, and not an answer with a status of `retry_on` in whose place another backend is asked."""
        status = response.status
        if status in FAILURES:
            self._failed(str(status))
        return status >= 200 and (status not in self.pool.retry.statuses or not self.again().lost(str(status)))

    def _refuse_head(self) -> None:
        self._refuse(BadResponse("response-head-too-large", f"over {RESPONSE_HEAD_LIMIT} bytes"))

    def _refuse(self, error: BadResponse, data: bytes = b"") -> None:
        """What came is no answer. Bytes on a reused connection that do not even begin as one, such as a line end too
        much, are left from the answer before, and came when that was over: the connection was stale."""
        connection = self.connection
        assert connection is not None
        is_stale = connection.is_reused and not could_be_response(data[:FIRST_BYTES])
        if not is_stale:
            self._failed(error.reason)
        if not self.again().lost(BAD_RESPONSE, is_stale=is_stale):
            self.fail(error)

    def _take_interim(self, response: ResponseHead, rest: bytes) -> bool:
        """False when the exchange is over or has become a tunnel; otherwise another head follows."""
        self.interim_count += 1
        if response.status == 101:
            self._switch_protocols(response, rest)
            return False
        if self.interim_count > MAX_INTERIM or len(self.session.unsent) > RESPONSE_HEAD_LIMIT:
            self.fail(BadResponse("too-many-interim", f"over {MAX_INTERIM} responses of 1xx, or more than is taken"))
            return False
        self.answer = b""
        if self.head.is_1_1:
            self.session.write_interim(response.persistent)
        return not self.is_over

    def _switch_protocols(self, response: ResponseHead, rest: bytes) -> None:
        """Tunnels from here on, and only if the client asked for exactly this (RFC 9110 section 7.8)."""
        if not self.head.upgrade or response.upgrade != self.head.upgrade or self.upload is not None:
            self.fail(BadResponse("unasked-upgrade", "101 for an upgrade that the client did not ask for"))
            return
        session, connection, backend = self.session, self.connection, self.backend
        assert connection is not None and backend is not None
        if backend.failed_answers:
            self.pool.answered(backend)
        tunnel = session.exchange = Tunnel(session, connection, backend, self.pool)
        self.connection = self.backend = None  # the slot went with it
        self.is_over = True
        if self.retries is not None:
            self.retries.end()
            self.retries = None
        tunnel.start(response.persistent + rest)

    def _stream(self, response: ResponseHead, body: bytes, length: int, *, hang_up: bool) -> None:
        """The body takes more than this read."""
        self.answer = b""
        self.download = Download(self, response, length)
        self.download.begin(body, hang_up=hang_up)

    def keeps_client(self) -> bool:
        """Whether the client's connection can carry another request after this one."""
        return (
            self.head.keep_alive
            and (self.upload is None or self.upload.can_be_taken_in)
            and not self.is_upload_cut
            and self.session.requests_left != 0
            and not self.session.frontend.is_draining
        )

    def _finish_whole(self, response: ResponseHead, body: bytes, is_clean: bool) -> None:
        if self.is_over:
            return
        keep_alive = self.keeps_client()
        if keep_alive and self.head.is_1_1:
            data = response.persistent + body if body else response.persistent
        else:
            data = response.for_client(is_1_1=self.head.is_1_1, keep_alive=keep_alive) + body
        session = self.session
        session.write(data)
        self.finish(is_clean=is_clean and response.keep_alive, keep_alive=keep_alive)

    # ------------------------------------------------------------------ the end

    def finish(self, *, is_clean: bool, keep_alive: bool) -> None:
        """The response was passed on whole. is_clean: the backend's connection can be used again."""
        upload, session = self.upload, self.session
        self._let_go(is_clean=is_clean and upload is None and not self.is_upload_cut)
        if session.unsent or session.is_over:
            session.owe(self, keep_alive=keep_alive and upload is None)
            return
        frontend = session.frontend
        if frontend.records is None:
            frontend.completed += 1  # all that `record` would do
        else:
            frontend.record(None, session)
        if upload is None or not keep_alive:
            session.next(keep_alive=keep_alive)
        else:
            Leftover(session, upload.left).start()

    def _let_go(self, *, is_clean: bool = False) -> None:
        """The only place where the connection and the slot are given back."""
        self.is_over = True
        if self.retries is not None:
            self.retries.end()
            self.retries = None  # a circle would be left to the garbage collection
        if self.upload is not None:
            self.upload.flow.close()
        if self.download is not None:
            self.download.flow.close()
        connection, backend = self.connection, self.backend
        self.connection = self.backend = None
        if connection is not None:
            connection.exchange = None
            if is_clean and connection.backend.keep(connection, self.session.reactor.now):
                connection.is_reused = True
            else:
                connection.close()
        if backend is not None:
            self.pool.give_back(backend)

    def connection_broke(self, error: OSError | None, *, is_unsent: bool = False) -> None:
        """Before the first byte of a response. error: None when the backend closed it. is_unsent: it took no byte."""
        connection, backend = self.connection, self.backend
        assert connection is not None and backend is not None
        self.drop_connection()
        if not connection.is_connected:
            self.again().connect_failed(connect_failed(error or OSError(0, "closed"), backend))
            return
        is_stale = connection.is_reused and not self.answer
        if is_stale and not is_unsent:
            now = self.session.reactor.now
            backend.idle_life.closed_after(now - connection.idle_since, now)
        if error is None:
            failure = BackendClosed("closed-in-head" if self.answer else "closed-before-answer", backend=backend.name)
        else:
            failure = BackendClosed("backend-reset", str(error), backend=backend.name)
        kind = CLOSED if error is None else RESET
        if not is_stale:
            self._failed(failure.reason)
        if not self.again().lost(kind, is_unsent=is_unsent, is_stale=is_stale):
            self.fail(failure)

    def backend_left_out(self, backend: LiveBackend) -> None:
        """Probes or ejection took it out: whoever waits for its answer may wait for a process that hangs. Behind the
        batch; not while parts of the request or of an answer are on their way, and nothing changes without another."""
        is_waiting = self.waiting is _RESPONSE_HEAD and self.connection is not None and not self.answer
        if is_waiting and self.backend is backend and self.upload is None and self.download is None:
            self.again().lost(UNHEALTHY)

    def _failed(self, reason: str) -> None:
        """The backend took the request and did badly, whatever becomes of the request."""
        if self.backend is not None:
            self.pool.answer_failed(self.backend, reason)

    def again(self) -> Retries:
        """A try has failed: what decides on further ones."""
        if self.retries is None:
            self.retries = Retries(self)
        return self.retries

    @property
    def is_whole(self) -> bool:
        """All of the request is still here, and nothing of an answer went downstream: it can be sent again."""
        return bool(self.request) and not self.interim_count

    def drop_connection(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def wait(self, waiting: Waiting, seconds: float) -> None:
        self.waiting = waiting
        self.session.deadline = self.session.reactor.now + seconds

    def timed_out(self) -> None:
        """The session's deadline passed."""
        name = self.backend.name if self.backend is not None else ""
        if self.waiting is Waiting.SLOT:
            self.pool.stop_waiting(self)
            self.fail(NoBackend("queue-timeout"))
        elif self.waiting is Waiting.CONNECT:
            self.connection_failed(ConnectTimeout(backend=name))
        elif self.waiting is Waiting.REQUEST_BODY:
            assert self.upload is not None
            self.upload.timed_out()
        elif self.waiting is Waiting.BACKEND_TO_READ:
            self._failed("backend-takes-nothing")
            self.fail(BackendTimeout("backend-takes-nothing", phase="write", backend=name))
        elif self.waiting is Waiting.RESPONSE_HEAD:
            self._failed("response-head-timeout")
            if not self.again().lost(HEAD_TIMEOUT):
                self.fail(BackendTimeout("response-head-timeout", backend=name))
        elif self.waiting is Waiting.BACKLOG:
            self.pick_again()
        elif self.waiting is Waiting.RESPONSE_BODY:
            self.abort(BackendTimeout("response-body-timeout", backend=name))
        else:
            assert self.download is not None
            self.download.timed_out()

    def connection_failed(self, error: ConnectFailed) -> None:
        """Before anything was sent."""
        self.drop_connection()
        self.again().connect_failed(error)

    def fail(self, error: ProxyError) -> None:
        """Answers with an error page, or breaks off visibly if the response has begun."""
        if self.download is not None:
            self.abort(error)
            return
        if self.backend is not None and not error.backend:
            error.backend = self.backend.name
        keep_alive = error.side == "upstream" and self.upload is None and self.keeps_client() and self.head.is_1_1
        self._let_go()
        self.session.refuse(error, keep_alive=keep_alive, is_head=self.head.is_head)

    def abort(self, error: ProxyError) -> None:
        """Ends the session at once, so that the client cannot take what it has for a whole response."""
        if self.waiting is Waiting.SLOT:
            self.pool.stop_waiting(self)
        self._let_go()
        self.session.frontend.record(error, self.session)
        self.session.abort()

    def cut(self) -> None:
        """The deadline of a shutdown passed."""
        self.abort(Draining())

    def crashed(self, error: Exception) -> None:
        """By now the session may be serving its next request, or be a tunnel."""
        self.session.crashed(error)
