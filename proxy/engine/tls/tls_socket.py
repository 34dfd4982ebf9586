"""TLS behind the methods of a non-blocking socket, so that sessions, flows and relays do not know of it.

OpenSSL works on memory (ssl.MemoryBIO), the system calls are ours. Against a non-blocking ssl.SSLSocket, a bare server
of both kinds on one core, CPU per request (user + kernel, medians of a few rounds that differed by a fifth):

    64 bytes, keep-alive    13 us in place of 19    one recv, where OpenSSL reads 5 bytes, the record, and EAGAIN
    64 KiB                  73 us in place of 84    one sendmsg of several records, where it writes each alone
    8 MiB                   6.7 ms in place of 6.4  two more copies, fewer calls
    a handshake             470 us in place of 490

Memory is bounded: ciphertext of RAW_READ bytes in, of RECORDS records out. OpenSSL gives its buffers back when they are
empty; the two BIOs keep the size of the largest piece that went through them.
"""

from __future__ import annotations

import ssl
from select import EPOLLIN
from typing import TYPE_CHECKING

from proxy.engine.reactor import READ

if TYPE_CHECKING:
    import socket

    from proxy.engine.reactor import Reactor

RAW_READ = 32 * 1024  # ciphertext by one recv
RECORD = 16 * 1024  # the most that one record carries (RFC 8446 section 5.1)
RECORDS = 4  # encrypted for one sendmsg: what a flow hands over at a time
MAX_EMPTY_READS = 4  # full reads in a row without a byte of data: a flood of control records
MAX_CONTROL = 64 * 1024  # answers to control records that wait because the peer reads nothing


class Truncated(ConnectionError):
    """The connection ended without close_notify: who sent that end is not known (RFC 8446 section 6.1)."""


class TlsSocket:
    """Owns `sock`. Call `handshake` until it is complete, before anything else.

    tls: for facts of the handshake. What was decrypted and not asked for yet causes no event of the kernel: `recv`
    returns it before it reads more, and never comes up short while there is some. An end that came in one piece with
    the data before it is announced by an event of our own.
    """

    __slots__ = ("_feed", "_holds", "_incoming", "_is_ended", "_is_shut", "_kept", "_outgoing", "_raw_recv",
                 "_reactor", "_read", "_sizes", "_sock", "_unsent", "_write", "fileno", "getsockopt", "setsockopt",
                 "tls")  # fmt: skip

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        reactor: Reactor,
        *,
        server_side: bool,
        server_hostname: str | None = None,
    ) -> None:
        self._sock = sock
        self._reactor = reactor
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_hostname
        )
        self.fileno = sock.fileno
        self.getsockopt = sock.getsockopt
        self.setsockopt = sock.setsockopt
        self._raw_recv = sock.recv
        self._feed = self._incoming.write
        self._read = self.tls.read
        self._write = self.tls.write
        self._holds = False  # ciphertext or decrypted bytes may be in memory
        self._kept = b""  # decrypted, to be returned first
        self._is_ended = False  # close_notify was read
        self._is_shut = False  # close_notify was written
        self._unsent: list[bytes | memoryview] = []  # ciphertext that the kernel has not taken
        self._sizes: list[int] = []  # how many bytes of the caller's each of those carries

    # ------------------------------------------------------------------ handshake

    def handshake(self) -> bool:
        """Goes on with it; True once it is complete. Raises OSError, of which ssl.SSLError is one; the alert that tells
        the peer why has been sent then.

        False: an event tells when to call again; watch for writing too if `has_unsent`.
        """
        while True:
            if self._unsent:
                self._flush()
            is_complete = self._step()
            if is_complete or self._unsent:
                return is_complete and not self._unsent
            try:
                raw = self._raw_recv(RAW_READ)
            except BlockingIOError:
                return False
            if not raw:
                raise Truncated("closed within the TLS handshake")
            self._feed(raw)

    def _step(self) -> bool:
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            self._say()
            return False
        except ssl.SSLError:
            self._say_last()
            raise
        self._say()
        self._holds = True  # data may have come with the peer's last message
        return True

    @property
    def has_unsent(self) -> bool:
        """The kernel has not taken all that was to be said."""
        return bool(self._unsent)

    def announce(self) -> None:
        """An event for whoever has registered the descriptor, if something is in memory that the kernel's tell not.
        Like the kernel's it speaks of a hang-up only when the peer has ended."""
        if self._holds:
            self._reactor.announce(self.fileno(), READ if self._is_ended else EPOLLIN)

    # ------------------------------------------------------------------ read

    def recv(self, size: int, flags: int = 0) -> bytes:
        """flags: MSG_PEEK or none."""
        if flags:
            return self._peek(size)
        data = self._decrypt(size) if self._holds else b""
        empty_reads = 0
        while len(data) < size and not self._is_ended:
            try:
                raw = self._raw_recv(RAW_READ)
            except BlockingIOError:
                break
            if not raw:
                if not data:  # else asked again, and the kernel says the same
                    raise Truncated("the connection ended without close_notify")
                break
            self._feed(raw)
            more = self._decrypt(size - len(data))
            data = data + more if data else more
            if len(raw) < RAW_READ:
                break
            empty_reads = 0 if more else empty_reads + 1
            if empty_reads > MAX_EMPTY_READS:
                raise ConnectionError("a flood of TLS control records")
        if self._is_ended:
            if data:
                self.announce()
        elif not data:
            raise BlockingIOError
        return data

    def _decrypt(self, size: int) -> bytes:
        """Up to `size` bytes of what is in memory. Then `_holds` says whether there may be more, or the end."""
        data = self._kept[:size]
        self._kept = self._kept[size:]
        pieces = [data] if data else []
        left = size - len(data)
        try:
            while left:
                data = self._read(left)
                if not data:
                    self._is_ended = True
                    break
                pieces.append(data)
                left -= len(data)
                if not self._incoming.pending:
                    break
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._is_ended = True
        except ssl.SSLError:
            self._say_last()
            raise
        self._holds = not left or self._is_ended
        if self._outgoing.pending:
            self._say()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _peek(self, size: int) -> bytes:
        data = self.recv(size)
        self._kept = data + self._kept
        self._holds = True
        return data

    # ------------------------------------------------------------------ write

    def send(self, data: bytes | memoryview) -> int:
        """Bytes of a record that the kernel took in part are not counted as sent, though they cannot be taken back:
        the next call begins with all of them, as every stream does that goes on where it stopped."""
        size = len(data)
        if self._unsent or not 0 < size <= RECORD:
            return self._send_records(memoryview(data))
        self._write(data)
        record = self._outgoing.read()
        try:
            taken = self._sock.send(record)
        except BlockingIOError:
            taken = 0
        if taken < len(record):
            self._unsent.append(memoryview(record)[taken:])
            self._sizes.append(size)
            raise BlockingIOError
        return size

    def _send_records(self, data: memoryview) -> int:
        sent = self._flush() if self._unsent else 0
        while sent < len(data) and not self._unsent:
            self._encrypt(data[sent : sent + RECORDS * RECORD])
            sent += self._flush()
        if not sent and self._unsent:
            raise BlockingIOError
        return sent

    def _encrypt(self, data: memoryview) -> None:
        while data:
            size = self._write(data[:RECORD])
            self._unsent.append(self._outgoing.read())
            self._sizes.append(size)
            data = data[size:]

    def _flush(self) -> int:
        """How many bytes of the caller's went with the records that the kernel has now taken whole."""
        unsent, sizes = self._unsent, self._sizes
        try:
            taken = self._sock.sendmsg(unsent)
        except BlockingIOError:
            return 0
        done = 0
        while done < len(unsent) and taken >= len(unsent[done]):
            taken -= len(unsent[done])
            done += 1
        sent = sum(sizes[:done])
        del unsent[:done], sizes[:done]
        if taken:
            unsent[0] = memoryview(unsent[0])[taken:]
        return sent

    def _say(self) -> None:
        """Passes on what OpenSSL has to say of its own: handshake, tickets, key updates, alerts."""
        if not self._outgoing.pending:
            return
        self._unsent.append(self._outgoing.read())
        self._sizes.append(0)
        if sum(map(len, self._unsent)) > MAX_CONTROL + RECORDS * RECORD:
            raise ConnectionError("takes no answers to its TLS control records")
        self._flush()

    def _say_last(self) -> None:
        """The alert, while another error is on its way."""
        try:
            self._say()
        except OSError:
            pass

    # ------------------------------------------------------------------ the end

    def shutdown(self, how: int) -> None:
        """SHUT_WR: close_notify, then FIN. May be called again. Raises OSError."""
        if not self._is_shut:
            self._is_shut = True
            self._keep_all()
            try:
                self.tls.unwrap()
            except ssl.SSLError:
                pass  # SSLWantReadError: the peer's has not come yet, and is read in its turn
            self._say()
        elif self._unsent:
            self._flush()
        if self._unsent:
            raise BlockingIOError
        self._sock.shutdown(how)

    def _keep_all(self) -> None:
        """`unwrap` looks for the peer's close_notify, and would take data before it for a breach."""
        while (self._holds or self._incoming.pending) and not self._is_ended:
            size = RAW_READ + len(self._kept)
            self._kept = self._decrypt(size)
        self._holds = bool(self._kept) or self._is_ended

    def close(self) -> None:
        self._sock.close()
