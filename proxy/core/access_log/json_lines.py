"""Records as JSON lines: one object per line, always with the same keys, in ASCII."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.access_log.record import SWITCHED, phases
from proxy.core.access_log.text import PROTOCOLS, HeadTexts, Timestamps, quoted, shortened

if TYPE_CHECKING:
    from proxy.core.access_log.record import Client, LoggedHead, Record


class JsonLines:
    """frontend: its name. run: tells this run's sessions from those of another."""

    def __init__(self, frontend: str, run: str, *, query: bool) -> None:
        self._frontend = frontend
        self._run = run
        self._texts = HeadTexts(query=query)
        self._timestamps = Timestamps()
        self._quoted: dict[str, str] = {"": "null"}  # pools and backends: as many as the configuration names

    def line(self, record: Record, wall: float) -> str:
        """wall: what the reactor's clock lacks to the seconds since 1970."""
        (client, number, head, marks, pool, backend, tries, is_reused, status, backend_status, received, sent,
         reason) = record  # fmt: skip
        read, pick, dial, write, answer, rest, total = phases(marks)
        known = self._quoted
        return (
            f'{{"time":"{self._timestamps.rfc3339(marks[0] + wall)}",{client.text or self._describe(client)},'
            f'"exchange":{number or "null"},{(head.log_text or self._describe_head(head)) if head else _NO_HEAD},'
            f'"status":{status or "null"},"reason":"{reason}",'
            f'"pool":{known.get(pool) or self._quote(pool)},"backend":{known.get(backend) or self._quote(backend)},'
            f'"backend_status":{backend_status or "null"},"tries":{tries},"reused":{"true" if is_reused else "false"},'
            f'"bytes_in":{received},"bytes_out":{sent},"us":{{"read":{read},"pick":{pick},"dial":{dial},'
            f'"write":{write},"answer":{answer},"{_last_phase(head, backend_status)}":{rest},"total":{total}}}}}\n'
        )

    def _describe(self, client: Client) -> str:
        peer = client.peer
        client.text = (
            f'"frontend":"{self._frontend}","client":{quoted((peer.host or "unix:").encode())},'
            f'"client_port":{peer.port or "null"},"session":"{self._run}-{client.session:x}"'
        )
        return client.text

    def _describe_head(self, head: LoggedHead) -> str:
        texts, lower = self._texts, head.forward.lower()
        head.log_text = (
            f'"method":{_or_null(head.method)},"target":{_or_null(texts.target(head))},'
            f'"host":{_or_null(shortened(head.host or b""))},"protocol":{_or_null(PROTOCOLS[head.is_1_1].encode())},'
            f'"referer":{_or_null(texts.referer(lower, head))},"user_agent":{_or_null(texts.user_agent(lower, head))}'
        )
        return head.log_text

    def _quote(self, name: str) -> str:
        return self._quoted.setdefault(name, quoted(name.encode("utf-8", "surrogateescape")))


_NO_HEAD = '"method":null,"target":null,"host":null,"protocol":"tcp","referer":null,"user_agent":null'


def _or_null(value: bytes) -> str:
    return quoted(value) if value else "null"


def _last_phase(head: LoggedHead | None, backend_status: int) -> str:
    return "tunnel" if head is None or backend_status == SWITCHED else "body"
