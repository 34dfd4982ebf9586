"""`python -m tests.acceptance.moody ADDRESS FILE`: a backend that does as the file says at each request: nothing for a
good answer, a status for that one, or seconds to wait for first."""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mood: Path

    def do_GET(self) -> None:
        mood = self.mood.read_text().strip()
        if "." in mood:
            time.sleep(float(mood))
        self.send_response(int(mood) if mood.isdigit() else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Nothing: what a test has to know it learns from the proxy."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A client that has waited for long enough is gone."""


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    Handler.mood = Path(sys.argv[2])
    Server((host, int(port)), Handler).serve_forever()
