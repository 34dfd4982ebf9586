"""The two ends of the channel between an old program and a new one, with processes that are no rproxy."""

from __future__ import annotations

import os
import socket
import sys

import pytest
import trio

from proxy.core.address import parse_address
from proxy.serve.listeners import Bound, Listeners
from proxy.serve.systemd.notify import Notifier
from proxy.serve.upgrade import successor
from proxy.serve.upgrade.description import VARIABLE, Description, from_environment
from proxy.serve.upgrade.predecessor import Predecessor
from proxy.serve.upgrade.successor import Successor, UpgradeError, command_line
from proxy.serve.workers.channel import Channel
from tests.processes import DEADLINE

Key = tuple[str, str]
APP = ("app", "127.0.0.1:9001")


def start(monkeypatch: pytest.MonkeyPatch, program: str) -> Successor:
    """A successor that is this Python program."""
    monkeypatch.setattr(successor, "command_line", lambda: [sys.executable, "-c", program])
    return Successor.start(Listeners(), Notifier())


def test_the_same_command_line_is_used_again() -> None:
    assert command_line()[0] == sys.executable
    assert command_line()[1:] == sys.orig_argv[1:]


async def test_one_that_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UpgradeError, match=r"exit status 3 before it served"):
        await start(monkeypatch, "raise SystemExit(3)").wait_serving(DEADLINE)


async def test_one_that_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UpgradeError, match=r"does not serve after 0\.1 s"):
        await start(monkeypatch, "import time; time.sleep(1000)").wait_serving(0.1)


async def test_one_that_says_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = "import json, os; fd = json.loads(os.environ['RPROXY_TAKES_OVER'])['channel']; os.write(fd, b'x' * 100)"
    with pytest.raises(UpgradeError, match="before it served"):
        await start(monkeypatch, talk).wait_serving(DEADLINE)


async def test_one_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(successor, "command_line", lambda: ["/nonexistent/python"])
    with pytest.raises(UpgradeError, match="exit status 127"):
        await Successor.start(Listeners(), Notifier()).wait_serving(DEADLINE)


async def test_one_that_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UpgradeError, match="with signal 9"):
        await start(monkeypatch, "import os; os.kill(os.getpid(), 9)").wait_serving(DEADLINE)


async def test_what_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    program = f"import os, sys; sys.exit(0 if '{APP[1]}' in os.environ['{VARIABLE}'] else 1)"
    monkeypatch.setattr(successor, "command_line", lambda: [sys.executable, "-c", program])
    with socket.create_server(("127.0.0.1", 0)) as sock:
        bound = Bound("web", parse_address("127.0.0.1:0"), sock)
        started = Successor.start(Listeners([bound]), Notifier(), [APP])
        with pytest.raises(UpgradeError, match=r"exit status 0"):
            await started.wait_serving(DEADLINE)


class Talk:
    """Both ends in this process, the old program's behind a process that does nothing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ours, theirs = socket.socketpair()
        self.old = start(monkeypatch, "import sys; sys.stdin.read()")
        self.old._channel.close()
        self.old._channel = Channel(ours)
        description = Description(parent=os.getpid(), channel=theirs.detach(), lent=(APP,))
        found = from_environment(description.to_environment())
        assert found is not None
        self.new = Predecessor(found)
        self.released: list[Key] = []
        self.hurried = 0

    async def release(self, key: Key) -> None:
        self.released.append(key)

    def hurry(self) -> None:
        self.hurried += 1

    async def close(self) -> None:
        await self.old._end()
        assert self.new._channel is not None
        self.new._channel.close()


async def test_a_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(monkeypatch)
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk.new.serving)
            await talk.old.wait_serving(DEADLINE)
            await talk.old.become_main()
        async with trio.open_nursery() as nursery:

            async def take() -> None:
                await talk.new.drained()
                await talk.new.release(APP)
                assert talk.released == [APP]
                assert not talk.new.lent
                await talk.new.done()

            nursery.start_soon(take)
            await talk.old.drained()
            await talk.old.attend(talk.release, talk.hurry)
        assert talk.hurried == 0
        await talk.close()


async def test_a_successor_that_ends_wants_us_to_hurry_and_then_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(monkeypatch)
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk.new.serving)
            await talk.old.wait_serving(DEADLINE)
            await talk.old.become_main()
        await talk.new.ending()
        await talk.new.done()
        await talk.old.attend(talk.release, talk.hurry)
        assert talk.hurried == 1
        await talk.old._end()
        await talk.new.ended()
        await talk.close()


async def test_a_successor_that_is_gone_wants_us_to_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(monkeypatch)
    talk.new._channel_socket.close()
    with trio.fail_after(DEADLINE):
        await talk.old.attend(talk.release, talk.hurry)
    assert talk.hurried == 1
    await talk.old._end()


async def test_a_predecessor_that_died_has_released_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(monkeypatch)
    await talk.old._end()
    with trio.fail_after(DEADLINE):
        await talk.new.serving()
        await talk.new.drained()
        await talk.new.release(APP)
        await talk.new.done()
    assert not talk.new.lent
    await talk.close()
