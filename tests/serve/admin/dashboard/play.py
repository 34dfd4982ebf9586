"""Plays a story on an admin address, for tests of the page alone, and for the eye:
`python -m tests.serve.admin.dashboard.play 9900`."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING

from proxy.serve.admin.dashboard.pages import HEADERS, load
from tests.serve.admin.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = load()


class Player(ThreadingHTTPServer):
    """pace: seconds between two events. What was posted is kept."""

    daemon_threads = True

    def __init__(self, port: int = 0, story: Story | None = None, pace: float = 1.0, first: int = 2) -> None:
        self.story = story or Story()
        self.pace = pace
        self.posted: list[tuple[str, str, dict[str, object]]] = []
        self.ended = Event()
        self.recorded = [json.dumps(asdict(self.story.tell())) for _ in range(first)]
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def playing(player: Player) -> Iterator[Player]:
    thread = Thread(target=player.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield player
    finally:
        player.ended.set()
        player.shutdown()
        thread.join()
        player.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Player

    def do_GET(self) -> None:
        if self.path == "/api/events":
            return self._stream()
        if self.path == "/api/statistics":
            return self._answer(200, "application/json", self.server.recorded[-1].encode())
        page = PAGES.get(self.path)
        return self._answer(200, *page) if page else self._answer(404, "text/plain", b"nothing here\n")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        token = self.headers.get("Authorization", "")
        self.server.posted.append((self.path, token, body))
        good = token == "Bearer secret"
        self._answer(200 if good else 401, "application/json", b"{}" if good else b'{"error": "not that token"}')

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": content_type, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            self.wfile.write(b"retry: 200\n\n")
            for text in self.server.recorded:
                self.wfile.write(f"data: {text}\n\n".encode())
            while not self.server.ended.wait(self.server.pace):
                self.wfile.write(f"data: {json.dumps(asdict(self.server.story.tell()))}\n\n".encode())
        except OSError:
            pass

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    Player(int(sys.argv[1]), first=100).serve_forever()
