"""Records in Apache's and nginx's combined format, with what a proxy knows besides behind it as `name=value`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.access_log.record import phases
from proxy.core.access_log.text import PROTOCOLS, HeadTexts, Timestamps, escaped, shortened, word

if TYPE_CHECKING:
    from proxy.core.access_log.record import Client, LoggedHead, Record


class Combined:
    """frontend: its name. run: tells this run's sessions from those of another."""

    def __init__(self, frontend: str, run: str, *, query: bool) -> None:
        self._frontend = frontend
        self._run = run
        self._texts = HeadTexts(query=query)
        self._timestamps = Timestamps()
        self._words: dict[str, str] = {"": "-"}

    def line(self, record: Record, wall: float) -> str:
        """wall: what the reactor's clock lacks to the seconds since 1970."""
        (client, number, head, marks, pool, backend, tries, is_reused, status, backend_status, received, sent,
         reason) = record  # fmt: skip
        request, fields = _split(head.log_text or self._describe_head(head)) if head else _NO_HEAD
        host, connection = _split(client.text or self._describe(client))
        words, spans = self._words, "/".join(map(str, phases(marks)))
        return (
            f'{host} - - [{self._timestamps.apache(marks[0] + wall)}] "{request}" '
            f"{status or '-'} {sent} {fields} {connection}/{number} reason={reason} "
            f"pool={words.get(pool) or self._word(pool)} backend={words.get(backend) or self._word(backend)} "
            f"backend_status={backend_status or '-'} tries={tries} reused={int(is_reused)} in={received} us={spans}\n"
        )

    def _describe(self, client: Client) -> str:
        peer, session = client.peer, f"{self._run}-{client.session:x}"
        client.text = f"{word(peer.host or 'unix:')}\nport={peer.port} frontend={self._frontend} session={session}"
        return client.text

    def _describe_head(self, head: LoggedHead) -> str:
        texts, lower = self._texts, head.forward.lower()
        request = f"{escaped(head.method)} {escaped(texts.target(head))} {PROTOCOLS[head.is_1_1]}".strip() or "-"
        referer, agent = escaped(texts.referer(lower, head)) or "-", escaped(texts.user_agent(lower, head)) or "-"
        host = word(shortened(head.host or b"").decode("utf-8", "surrogateescape"))
        head.log_text = f'{request}\n"{referer}" "{agent}" host={host}'
        return head.log_text

    def _word(self, name: str) -> str:
        return self._words.setdefault(name, word(name))


_NO_HEAD = ("-", '"-" "-" host=-')


def _split(text: str) -> tuple[str, str]:
    before, _, behind = text.partition("\n")  # which is never in a value
    return before, behind
