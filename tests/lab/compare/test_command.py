"""`rproxy compare` as people call it."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import pytest

from proxy.cli import main
from proxy.lab.models.registry import MODELS
from proxy.lab.report.to_json import from_json, to_json
from tests.clients.support import RPROXY, descendants, spawn
from tests.lab.report.comparisons import compared
from tests.processes import DEADLINE, end_group, is_alive, wait_until


def test_list_names_models_and_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name} " in out for name in MODELS)


def test_list_of_an_application_says_what_does_not_suit_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--list", "--models", "direct", "--app", "serve --fd {fd}"]) == 0
    assert "not available: the application takes no port and no socket" in capsys.readouterr().out


def test_help_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["compare", "--help"])
    out = capsys.readouterr().out
    assert "--app 'uvicorn app:app --host {host} --port {port}'" in out
    assert max(map(len, out.splitlines())) <= 120


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--models", "direct,carrier-pigeon"], "no model 'carrier-pigeon': some of direct"),
        (["--scenarios", "earthquake"], "no scenario 'earthquake': some of"),
        (["--app", "serve"], "'serve': a command says by {port}"),
        (["--app", "serve {prot}"], "{prot} is no placeholder"),
        (["--workers", "0"], "--workers: 0 is not above 0"),
        (["--rate", "nan"], "--rate: nan is not above 0"),
        (["--emit", "deploy", "--listen", "everywhere:80"], "everywhere:80: systemd wants an IP address"),
    ],
)
def test_what_makes_no_sense_is_told(options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("rproxy compare: ")
    assert told in error


def test_a_file_that_cannot_be_written_is_told_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "--json", f"{tmp_path}/nowhere/all.json"]) == 2
    assert "nowhere/all.json" in capsys.readouterr().err


def test_a_report_of_what_was_measured_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "all.json").write_text(to_json(compared()))
    again = ("--read", str(tmp_path / "all.json"), "--json", str(tmp_path / "all.json"))
    assert main(["compare", *again, "--html", str(tmp_path / "report.html")]) == 0
    assert "Deploy proxy-tcp (least-connections)." in capsys.readouterr().out
    assert "Deploy proxy-tcp (least-connections)." in (tmp_path / "report.html").read_text()
    assert from_json((tmp_path / "all.json").read_text()) == compared()


def test_what_is_no_comparison_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "all.json").write_text("{}")
    assert main(["compare", "--read", str(tmp_path / "all.json")]) == 2
    assert "all.json: no comparison: application: Field required" in capsys.readouterr().err
    assert main(["compare", "--read", str(tmp_path / "nothing.json")]) == 2
    assert "nothing.json" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_from_start_to_end(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of one process: what it can do and how long it takes, at a rate that follows from what it can do."""
    path = tmp_path / "all.json"
    what = ("--models", "direct", "--scenarios", "latency,capacity", "--seconds", "0.3")
    files = ("--json", str(path), "--html", str(tmp_path / "report.html"), "--emit", str(tmp_path / "deploy"))
    assert main(["compare", "--quick", *what, *files]) == 0
    comparison = from_json(path.read_text())
    assert comparison.finished
    assert [result.scenario for result in comparison.results] == ["latency", "capacity"]
    latency, capacity = comparison.results
    assert not latency.cannot + capacity.cannot
    assert latency.figures["p99"] > 0
    assert capacity.figures["requests_per_second"] > float(comparison.settings["rate"])
    assert "half of the least capacity of direct" in comparison.settings["rate_why"]
    out = capfd.readouterr()
    assert "\ndirect " in out.out
    assert "2 measurements, about" in out.err
    assert "direct is the only way that was measured" in (tmp_path / "report.html").read_text()
    assert "To deploy it: app.service" in out.out
    assert (tmp_path / "deploy" / "app.service").exists()
    assert comparison.environment["packages"]["trio"]
    (direct,) = comparison.available
    assert "backends.hello" in direct.description


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_leaves_nothing_and_writes_what_it_has(tmp_path: Path, number: int, status: int) -> None:
    path = tmp_path / "all.json"
    options = ("--models", "direct", "--scenarios", "latency,capacity", "--seconds", "0.2", "--repetitions", "1000")
    process = spawn(tmp_path, (*RPROXY, "compare", *options, "--rate", "50", "--json", str(path)))
    try:
        wait_until(lambda: "backends.hello" in commands(descendants(process.pid)))
        family = descendants(process.pid)
        process.send_signal(number)
        assert process.wait(DEADLINE) == status, (tmp_path / "stderr").read_text()
    finally:
        end_group(process)
    wait_until(lambda: not any(map(is_alive, family)))
    assert not from_json(path.read_text()).finished


@pytest.mark.slow
def test_killed_it_leaves_nothing_either(tmp_path: Path) -> None:
    options = ("--models", "direct", "--scenarios", "latency", "--seconds", "30", "--rate", "50")
    process = spawn(tmp_path, (*RPROXY, "compare", *options))
    try:
        wait_until(lambda: "proxy.lab.load" in commands(descendants(process.pid)))
        family = descendants(process.pid)
        process.kill()
        wait_until(lambda: not any(map(is_alive, family)))
    finally:
        end_group(process)


def commands(pids: set[int]) -> str:
    words = []
    for pid in pids:
        with contextlib.suppress(OSError):
            words.append(Path(f"/proc/{pid}/cmdline").read_text())
    return "\n".join(words)


def test_where_nothing_can_run_that_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--models", "direct", "--app", "serve --fd {fd}"]) == 1
    out = capfd.readouterr().out
    assert "direct: the application takes no port and no socket" in out


@pytest.mark.slow
def test_what_does_not_come_up_is_told_with_its_last_words(capfd: pytest.CaptureFixture[str]) -> None:
    command = "python -c 'raise SystemExit(\"no licence\")' {port}"
    assert main(["compare", "--quick", "--models", "direct", "--rate", "9", "--app", command]) == 1
    told = capfd.readouterr()
    assert "no licence" in told.out + told.err
    assert "Traceback" not in told.out + told.err
