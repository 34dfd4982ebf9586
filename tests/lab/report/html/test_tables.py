from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.analysis.summary import Summary
from proxy.lab.report.html.tables import figures_of, groups, models
from tests.lab.report.comparisons import compared

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def text(element: Element) -> str:
    return "".join(element.itertext())


def test_every_figure_of_every_way_with_its_interval() -> None:
    found = figures_of(Summary(compared()), "crash")
    head, *rows = found.iter("tr")
    assert [cell.text for cell in head.findall("th")[1:]] == ["intended", "failed", "reset", "recovery"]
    assert text(rows[1].findall("th")[0]) == "prefork (epoll)"
    assert [cell.text for cell in rows[1].findall("td")] == ["630", "30", "30", "100 ms"]
    assert text(rows[3].findall("th")[0]) == "reuseport (supervised) with net.ipv4.tcp_migrate_req=1"
    assert [cell.text for cell in rows[3].findall("td")] == [None, "0", None, None]
    latency = figures_of(Summary(compared()), "latency")
    assert "3.9 ms to 4.08 ms" in text(latency)


def test_notes_are_told_once_with_all_that_they_are_of() -> None:
    found = figures_of(Summary(compared()), "crash")
    (note,) = found.iter("li")
    assert text(note).endswith(": started again by its <supervisor>")
    assert note.findtext("b") == ("direct, prefork (epoll), reuseport (supervised), proxy-tcp (least-connections)")
    restart = figures_of(Summary(compared()), "restart")
    assert text(restart) == "direct: one process cannot be replaced without a gap"


def test_models_with_what_ran_and_what_is_missing() -> None:
    found = models(compared())
    told = {detail.findtext("summary/b"): text(detail) for detail in found.iter("details")}
    assert list(told) == ["direct", "prefork", "reuseport", "proxy-tcp", "systemd"]
    assert "python -m backends.prefork <&3>" in told["prefork"]
    assert "not available: no systemd: apt-get install systemd" in told["systemd"]


def test_groups() -> None:
    found = groups({"machine": {"cpus": "2"}, "kernel": {"release": "6.18"}})
    assert [text(one) for one in found] == ["machinecpus2", "kernelrelease6.18"]
