"""`rproxy simulate` as people call it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from proxy.cli import main
from proxy.lab.simulate import command
from proxy.lab.simulate.registry import WAYS

if TYPE_CHECKING:
    from pathlib import Path

FEW = ("--requests", "500")


def told(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert main(["simulate", "--json", *FEW, *options]) == 0
    data = json.loads(capsys.readouterr().out)
    assert len(data["results"]) >= 1
    settings: dict[str, object] = data["settings"]
    return settings


def test_all_schemes_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", *FEW]) == 0
    out = capsys.readouterr().out
    assert all(f"\n{name} " in out for name in WAYS)
    assert "Lowest p99" in out


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(WAYS)


def test_help_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    out = capsys.readouterr().out
    assert "slow:1ms,100ms,1%" in out
    assert "--patterns" in out


def test_rate_instead_of_load(capsys: pytest.CaptureFixture[str]) -> None:
    settings = told(capsys, "--rate", "100", "--workers", "2", "--schemes", "queue,reuseport", "--reserve", "1ms")
    assert settings["load"] == pytest.approx(0.5)
    assert settings["reserve"] == 0.001


def test_a_trace_has_its_own_arrivals_unless_a_load_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "trace.txt"
    trace.write_text("0 0.1\n1 0.2\n")
    assert told(capsys, "--trace", str(trace))["arrivals"] == "trace"
    assert told(capsys, "--trace", str(trace), "--load", "0.5")["arrivals"] == "poisson"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--schemes", "queue,magic"], "no scheme 'magic': some of reuseport"),
        (["--service", "often"], "no service time"),
        (["--load", "0.5", "--rate", "3"], "give one of them"),
        (["--load", "0"], "--load: 0.0 is not above 0"),
        (["--rate", "nan"], "--rate: nan is not above 0"),
        (["--workers", "0"], "workers: 0"),
        (["--trace", "/nowhere/trace"], "/nowhere/trace"),
        (["--trace", "{empty}"], "no request in it"),
        (["--trace", "{empty}", "--service", "constant:1ms"], "give one of them"),
    ],
)
def test_what_cannot_be_simulated(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    assert main(["simulate", *(option.format(empty=empty) for option in options)]) == command.BAD_OPTION
    assert said in capsys.readouterr().err


def test_ctrl_c_prints_what_was_done(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = command.simulate

    def interrupted(spec: object, way: object) -> object:
        if way is WAYS["queue"]:
            raise KeyboardInterrupt
        return real(spec, way)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "simulate", interrupted)
    assert main(["simulate", *FEW, "--schemes", "reuseport,queue"]) == command.INTERRUPTED
    out = capsys.readouterr().out
    assert "\nreuseport " in out
    assert "\nqueue " not in out
