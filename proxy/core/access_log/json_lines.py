"""Records as JSON lines: one object per line, always with the same keys, in ASCII."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from proxy.core.access_log.record import SWITCHED, phases
from proxy.core.access_log.text import MAX_KNOWN, PROTOCOLS, HeadTexts, Timestamps, quoted, shortened

if TYPE_CHECKING:
    from proxy.core.access_log.record import Client, LoggedHead, Outcome, Record


class JsonLines:
    """frontend: its name. run: tells this run's sessions from those of another."""

    def __init__(self, frontend: str, run: str, *, query: bool) -> None:
        self._frontend = frontend
        self._run = run
        self._texts = HeadTexts(query=query)
        self._timestamps = Timestamps()
        self._outcomes: dict[Outcome, str] = {}
        self._field = lru_cache(MAX_KNOWN)(_or_null)  # what clients repeat: methods, hosts, user agents

    def line(self, record: Record, wall: float) -> str:
        """wall: what the reactor's clock lacks to the seconds since 1970."""
        client, number, head, marks, outcome, received, sent = record
        read, pick, dial, write, answer, rest, total = phases(marks)
        rest_name = "tunnel" if head is None or outcome[5] == SWITCHED else "body"
        return (
            f'{{"time":"{self._timestamps.rfc3339(marks[0] + wall)}",{client.text or self._describe(client)},'
            f'"exchange":{number or "null"},{(head.log_text or self._describe_head(head)) if head else _NO_HEAD},'
            f"{self._outcomes.get(outcome) or self._describe_outcome(outcome)},"
            f'"bytes_in":{received},"bytes_out":{sent},"us":{{"read":{read},"pick":{pick},"dial":{dial},'
            f'"write":{write},"answer":{answer},"{rest_name}":{rest},"total":{total}}}}}\n'
        )

    def _describe(self, client: Client) -> str:
        peer, tls = client.peer, client.peer.tls
        client.text = (
            f'"frontend":"{self._frontend}","client":{quoted((peer.host or "unix:").encode())},'
            f'"client_port":{peer.port or "null"},"session":"{self._run}-{client.session:x}",'
            f'"tls":{_name(tls.version) if tls else "null"},"cipher":{_name(tls.cipher) if tls else "null"}'
        )
        return client.text

    def _describe_head(self, head: LoggedHead) -> str:
        texts, known = self._texts, self._field
        head.log_text = (
            f'"method":{known(head.method)},"target":{_or_null(texts.target(head))},'
            f'"host":{known(shortened(head.host or b""))},"protocol":{known(PROTOCOLS[head.is_1_1])},'
            f'"referer":{known(texts.referer(head))},"user_agent":{known(texts.user_agent(head))}'
        )
        return head.log_text

    def _describe_outcome(self, outcome: Outcome) -> str:
        pool, backend, tries, is_reused, status, backend_status, reason = outcome
        if len(self._outcomes) >= MAX_KNOWN:
            self._outcomes.clear()
        text = self._outcomes[outcome] = (
            f'"status":{status or "null"},"reason":"{reason}","pool":{_name(pool)},"backend":{_name(backend)},'
            f'"backend_status":{backend_status or "null"},"tries":{tries},"reused":{"true" if is_reused else "false"}'
        )
        return text


_NO_HEAD = '"method":null,"target":null,"host":null,"protocol":"tcp","referer":null,"user_agent":null'


def _or_null(value: bytes) -> str:
    return quoted(value) if value else "null"


def _name(name: str) -> str:
    return _or_null(name.encode("utf-8", "surrogateescape"))
