import json

from proxy.core.config import ConfigProblem, problems_as_json, render_problems

IDLE = ConfigProblem(
    file="lb.toml",
    line=14,
    column=2,
    path=("frontends", "web", "timeouts", "idel"),
    message='unknown key "idel"',
    hint='did you mean "idle"?',
    example='idle = "1h"',
    source_line='\tidel = "1h"',
)


def test_a_whole_problem() -> None:
    assert render_problems([IDLE]) == (
        'lb.toml:14:2: unknown key "idel"; did you mean "idle"?\n  \tidel = "1h"\n  \t^\nfor example: idle = "1h"\n'
    )


def test_a_problem_without_a_place() -> None:
    problem = ConfigProblem(file="lb.toml", line=0, column=0, path=(), message="there is no such file")
    assert render_problems([problem]) == "lb.toml: there is no such file\n"


def test_a_warning_says_so() -> None:
    problem = ConfigProblem(file="a", line=1, column=1, path=(), message="odd", severity="warning")
    assert render_problems([problem]) == "a:1:1: warning: odd\n"


def test_several_problems_are_set_apart() -> None:
    assert render_problems([]) == ""
    assert render_problems([IDLE, IDLE]).count("\n\nlb.toml") == 1


def test_control_characters_do_not_reach_the_terminal() -> None:
    problem = ConfigProblem(file="a", line=1, column=3, path=(), message='"\x1b[2J"', source_line="\x1bx = 1")
    assert render_problems([problem]) == 'a:1:3: "\ufffd[2J"\n  \ufffdx = 1\n    ^\n'


def test_json_has_one_object_per_line() -> None:
    text = problems_as_json([IDLE, IDLE])
    first, second = text.splitlines()
    assert text.endswith("\n")
    assert (
        json.loads(first)
        == json.loads(second)
        == {
            "severity": "error",
            "file": "lb.toml",
            "line": 14,
            "column": 2,
            "path": "frontends.web.timeouts.idel",
            "message": 'unknown key "idel"',
            "hint": 'did you mean "idle"?',
            "example": 'idle = "1h"',
            "source_line": '\tidel = "1h"',
        }
    )


def test_json_paths_show_indexes() -> None:
    problem = ConfigProblem(file="a", line=1, column=1, path=("pools", "app", "backends", 0, "weight"), message="")
    assert json.loads(problems_as_json([problem]))["path"] == "pools.app.backends[0].weight"
