"""Words come out of a real systemd as they went in."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from proxy.lab.application import Application
from proxy.lab.emit.exec_line import exec_line, instance_line, single_line

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systemd.lab import Lab

WRITE = "import json, sys; json.dump(sys.argv[2:], open(sys.argv[1], 'w'))"
WORDS = [
    "plain", "two words", "", 'a "quoted" one', "it's", "100%", "%i", "$HOME", "${HOME}", "$", "back\\slash", "\\x41",
    ";", "a;b", "*", "~", "#", "-x", "@y", "ä€", "--app={worker}", "{", "|", "&&", "a=b", "  ", "\\",
]  # fmt: skip


@pytest.mark.slow
def test_systemd_passes_exactly_these_words(lab: Lab, tmp_path: Path) -> None:
    out = tmp_path / "it's out"
    line = exec_line([sys.executable, "-c", WRITE, str(out), *WORDS])
    lab.write("words.service", f"[Service]\nType=oneshot\nExecStart={line}\n")
    lab.reload_units()
    lab.do("start", "words.service")
    assert json.loads(out.read_text()) == WORDS


def test_a_template_has_the_worker_where_the_command_has_it() -> None:
    application = Application("x", {"socket": ("/bin/x", "--name=w{worker}", "{socket}", "5%")})
    line = instance_line(application, "socket", socket="/run/app/{worker}.sock")
    assert line == "/bin/x --name=w%i /run/app/%i.sock 5%%"
    assert single_line(application, "socket", socket="/run/app.sock") == "/bin/x --name=w1 /run/app.sock 5%%"


def test_a_line_has_no_control_characters() -> None:
    with pytest.raises(ValueError, match="control character"):
        exec_line(["/bin/x", "a\nExecStartPre=/bin/y"])
