"""Records in Apache's and nginx's combined format, with what a proxy knows besides behind it as `name=value`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from proxy.core.access_log.record import phases
from proxy.core.access_log.text import MAX_KNOWN, PROTOCOLS, HeadTexts, Timestamps, escaped, shortened, word

if TYPE_CHECKING:
    from proxy.core.access_log.record import Client, LoggedHead, Outcome, Record


class Combined:
    """frontend: its name. run: tells this run's sessions from those of another."""

    def __init__(self, frontend: str, run: str, *, query: bool) -> None:
        self._frontend = frontend
        self._run = run
        self._texts = HeadTexts(query=query)
        self._timestamps = Timestamps()
        self._outcomes: dict[Outcome, str] = {}
        self._escaped = lru_cache(MAX_KNOWN)(escaped)

    def line(self, record: Record, wall: float) -> str:
        """wall: what the reactor's clock lacks to the seconds since 1970."""
        client, number, head, marks, outcome, received, sent = record
        request, fields = _split(head.log_text or self._describe_head(head)) if head else _NO_HEAD
        host, connection = _split(client.text or self._describe(client))
        read, pick, dial, write, answer, rest, total = phases(marks)
        return (
            f'{host} - - [{self._timestamps.apache(marks[0] + wall)}] "{request}" '
            f"{outcome[4] or '-'} {sent} {fields} {connection}/{number} "
            f"{self._outcomes.get(outcome) or self._describe_outcome(outcome)} in={received} "
            f"us={read}/{pick}/{dial}/{write}/{answer}/{rest}/{total}\n"
        )

    def _describe(self, client: Client) -> str:
        peer, tls = client.peer, client.peer.tls
        client.text = (
            f"{word(peer.host or 'unix:')}\nport={peer.port or '-'} tls={tls.version if tls else '-'} "
            f"cipher={tls.cipher if tls else '-'} frontend={self._frontend} session={self._run}-{client.session:x}"
        )
        return client.text

    def _describe_head(self, head: LoggedHead) -> str:
        texts, known = self._texts, self._escaped
        words = (known(head.method), escaped(texts.target(head)), known(PROTOCOLS[head.is_1_1]))
        request = " ".join(filter(None, words)) or "-"
        referer, agent = known(texts.referer(head)) or "-", known(texts.user_agent(head)) or "-"
        host = word(shortened(head.host or b"").decode("utf-8", "surrogateescape"))
        head.log_text = f'{request}\n"{referer}" "{agent}" host={host}'
        return head.log_text

    def _describe_outcome(self, outcome: Outcome) -> str:
        pool, backend, tries, is_reused, _, backend_status, reason = outcome
        if len(self._outcomes) >= MAX_KNOWN:
            self._outcomes.clear()
        text = self._outcomes[outcome] = (
            f"reason={reason} pool={word(pool)} backend={word(backend)} backend_status={backend_status or '-'} "
            f"tries={tries} reused={int(is_reused)}"
        )
        return text


_NO_HEAD = ("-", '"-" "-" host=-')


def _split(text: str) -> tuple[str, str]:
    before, _, behind = text.partition("\n")  # which is never in a value
    return before, behind
