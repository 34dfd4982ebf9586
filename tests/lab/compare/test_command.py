"""`rproxy compare` as people call it."""

from __future__ import annotations

import pytest

from proxy.cli import main
from proxy.lab.models.registry import MODELS


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
    ],
)
def test_what_makes_no_sense_is_told(options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("rproxy compare: ")
    assert told in error
