"""Records as JSON lines: one object per line, always with the same keys, in ASCII."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from proxy.core.access_log.record import SWITCHED, phases
from proxy.core.access_log.text import (
    LONGEST,
    MAX_KNOWN,
    PROTOCOLS,
    HeadTexts,
    Timestamps,
    quoted,
    shortened,
    tells_of_client,
)

if TYPE_CHECKING:
    from proxy.core.access_log.record import Client, LoggedHead, Marks, Outcome, Record


class JsonLines:
    """frontend: its name. run: tells this run's sessions from those of another."""

    def __init__(self, frontend: str, run: str, *, query: bool) -> None:
        self._frontend = frontend
        self._run = run
        self._query = query
        self._texts = HeadTexts(query=query)
        self._timestamps = Timestamps()
        self._outcomes: dict[Outcome, str] = {}
        self._field = lru_cache(MAX_KNOWN)(_or_null)  # what clients repeat: methods, hosts, user agents
        self._place = lru_cache(MAX_KNOWN)(self._describe_place)
        self._marks: Marks = ()
        self._time = self._spans = ""

    def line(self, record: Record, wall: float) -> str:
        """wall: what the reactor's clock lacks to the seconds since 1970."""
        client, number, head, marks, outcome, received, sent = record
        is_odd = outcome[5] == SWITCHED or (head is None and not outcome[1])
        if is_odd or marks != self._marks:  # within a batch of events most are the same
            self._describe_times(record, wall, is_odd=is_odd)
        return (
            f'{{"time":"{self._time}",{client.text or self._describe(client)},"exchange":{number or "null"},'
            f"{(head.log_text or self._describe_head(head)) if head else _NO_HEAD},"
            f'{self._outcomes.get(outcome) or self._describe_outcome(outcome)},"bytes_in":{received},'
            f'"bytes_out":{sent},{self._spans}}}\n'
        )

    def _describe_times(self, record: Record, wall: float, *, is_odd: bool) -> None:
        """The text stays for records with the same marks, but for odd ones: a tunnel, or no session, in HTTP mode."""
        _, _, head, marks, outcome, _, _ = record
        is_tunnel = head is None or outcome[5] == SWITCHED
        read, pick, dial, write, answer, rest, total = phases(marks)
        self._marks = () if is_odd else marks
        self._time = self._timestamps.rfc3339(marks[0] + wall)
        self._spans = (
            f'"us":{{"read":{read},"pick":{pick},"dial":{dial},"write":{write},"answer":{answer},'
            f'"{"tunnel" if is_tunnel else "body"}":{rest},"total":{total}}}'
        )

    def _describe(self, client: Client) -> str:
        peer, tls = client.peer, client.peer.tls
        secrecy = f'"tls":{_name(tls.version)},"cipher":{_name(tls.cipher)}' if tls else _NO_TLS
        client.text = (
            f'{self._place(peer.host)},"client_port":{peer.port or "null"},'
            f'"session":"{self._run}-{client.session:x}",{secrecy}'
        )
        return client.text

    def _describe_place(self, host: str) -> str:
        return f'"frontend":"{self._frontend}","client":{quoted((host or "unix:").encode())}'

    def _describe_head(self, head: LoggedHead) -> str:
        """Flat, for heads that are new: with a call for each part of it 1 us more, of 3."""
        target, shape, method = head.target, head.shape, self._field(head.method)
        if not self._query and b"?" in target:
            target = target[: target.index(b"?")]
        if len(target) > LONGEST:
            target = shortened(target)
        if shape is None:
            text = f'"method":{method},"target":{_or_null(target)},{self._describe_fields(head)}'
        else:  # such a target has no byte that would have to be escaped
            fields = shape.log_text
            if not fields or (head.own and tells_of_client(head.own)):
                fields = self._describe_fields(head)
                if not tells_of_client(head.own):
                    shape.log_text = fields
            text = f'"method":{method},"target":"{target.decode()}",{fields}'
        head.log_text = text
        return text

    def _describe_fields(self, head: LoggedHead) -> str:
        texts, known = self._texts, self._field
        return (
            f'"host":{known(shortened(head.host or b""))},"protocol":{known(PROTOCOLS[head.is_1_1])},'
            f'"referer":{known(texts.referer(head))},"user_agent":{known(texts.user_agent(head))}'
        )

    def _describe_outcome(self, outcome: Outcome) -> str:
        pool, backend, tries, is_reused, status, backend_status, reason = outcome
        if len(self._outcomes) >= MAX_KNOWN:
            self._outcomes.clear()
        text = self._outcomes[outcome] = (
            f'"status":{status or "null"},"reason":"{reason}","pool":{_name(pool)},"backend":{_name(backend)},'
            f'"backend_status":{backend_status or "null"},"tries":{tries},"reused":{"true" if is_reused else "false"}'
        )
        return text


_NO_TLS = '"tls":null,"cipher":null'
_NO_HEAD = '"method":null,"target":null,"host":null,"protocol":"tcp","referer":null,"user_agent":null'


def _or_null(value: bytes) -> str:
    return quoted(value) if value else "null"


def _name(name: str) -> str:
    return _or_null(name.encode("utf-8", "surrogateescape"))
