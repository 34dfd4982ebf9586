"""Our tuple space and Ruby's Rinda behind its bridge, the same tests for both."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from proxy.lab.models.tuple_space import model
from tests.clients.support import program, short_directory
from tests.processes import connect, start_process, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

RINDA = Path(model.__file__).parent / "rinda"


class Client:
    def __init__(self, path: str) -> None:
        self._sock = connect(f"unix:{path}")
        self._lines = self._sock.makefile("rb")

    def say(self, **order: Any) -> None:
        self._sock.sendall(json.dumps(order).encode() + b"\n")

    def hear(self) -> Any:
        return json.loads(self._lines.readline())

    def ask(self, do: str, *pattern: object, seconds: float = 10.0) -> Any:
        """A tuple, or why there is none."""
        self.say(do=do, id=1, pattern=pattern, seconds=seconds)
        answer = self.hear()
        assert answer.pop("id") == 1
        return answer.get("tuple") or answer["ended"]

    def write(self, *values: object) -> None:
        """It is there when this returns."""
        self.say(do="write", id=0, tuple=values, seconds=60)
        assert self.hear() == {"id": 0, "done": True}

    def close(self) -> None:
        self._lines.close()
        self._sock.close()


class Space:
    """Clients of one space, each with a bridge to it where one is needed."""

    def __init__(self, which: str, directory: Path, stack: ExitStack) -> None:
        self._directory, self._stack, self._bridges = directory, stack, 0
        self._is_rinda = which == "rinda"
        path = str(directory / "space")
        ours = (sys.executable, "-m", "proxy.lab.models.tuple_space", "--listen", f"unix:{path}")
        self._start((program("ruby"), str(RINDA / "space.rb"), path) if self._is_rinda else ours)
        wait_until(Path(path).is_socket)

    @contextmanager
    def client(self) -> Iterator[Client]:
        path = self._directory / "space"
        if self._is_rinda:
            self._bridges += 1
            own = self._directory / f"bridge-{self._bridges}"
            self._start(("ruby", str(RINDA / "bridge.rb"), str(path), str(own)))
            wait_until(own.is_socket)
            path = own
        client = Client(str(path))
        try:
            yield client
        finally:
            client.close()

    def _start(self, command: tuple[str, ...]) -> None:
        self._stack.enter_context(start_process(command))


@pytest.fixture(scope="module", params=["embedded", "rinda"])
def space(request: pytest.FixtureRequest) -> Iterator[Space]:
    with ExitStack() as stack:
        directory = stack.enter_context(short_directory())
        yield Space(request.param, directory, stack)


@pytest.mark.slow
def test_a_tuple_goes_to_one_whose_pattern_it_fits(space: Space) -> None:
    with space.client() as one, space.client() as other:
        one.write("task", 1, "\u0000ÿ\n")
        one.write("task", 2, None)
        assert other.ask("read", "task", None, None) == ["task", 1, "\u0000ÿ\n"]
        assert other.ask("take", "task", 2, None) == ["task", 2, None]
        assert one.ask("take", "task", None, None) == ["task", 1, "\u0000ÿ\n"]
        assert one.ask("take", "task", None, None, seconds=0) == "expired"
        other.say(do="take", id=5, pattern=["later", None])
        one.write("other", 1)
        one.write("later", 2)
        assert other.hear() == {"id": 5, "tuple": ["later", 2]}


@pytest.mark.slow
def test_one_who_waits_no_more_gets_nothing(space: Space) -> None:
    """Cancelled, even at once, or gone: the tuple is for the next."""
    with space.client() as one, space.client() as gone:
        one.say(do="take", id=7, pattern=["rest"])
        one.say(do="cancel", id=7)
        assert one.hear() == {"id": 7, "ended": "cancelled"}
        gone.say(do="take", id=1, pattern=["rest"])
        gone.say(do="write", id=2, tuple=["said"], seconds=60)
        assert gone.hear() == {"id": 2, "done": True}
        gone.close()
        one.write("rest")
        assert one.ask("take", "rest") == ["rest"]
