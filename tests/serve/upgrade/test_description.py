"""What one program leaves to the next survives the environment, and nonsense there is told apart."""

from __future__ import annotations

import pytest

from proxy.serve.upgrade.description import VARIABLE, Description, LeftSocket, from_environment


def test_it_comes_out_as_it_went_in() -> None:
    left = LeftSocket('we"b', "unix:/run/ä b.sock", "unit", 7)
    description = Description(parent=12, channel=6, sockets=(left,), lent=(("app", "127.0.0.1:9001"),))
    environ = {"PATH": "/bin", **description.to_environment()}
    assert from_environment(environ) == description
    assert environ == {"PATH": "/bin"}


def test_a_start_like_any_other() -> None:
    assert from_environment({}) is None


@pytest.mark.parametrize("text", ["", "7", "{}", '{"parent": 1, "channel": 2, "sockets": [{}], "lent": []}'])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="RPROXY_TAKES_OVER cannot be read"):
        from_environment({VARIABLE: text})
