"""Serves one connection that is its stdin and stdout, then ends: a process per connection.

socat TCP-LISTEN:9001,fork,reuseaddr EXEC:'python -m backends.inetd'
systemd: a socket unit with Accept=yes, and StandardInput=socket in the service. Logs must go to stderr.
"""

from __future__ import annotations

import argparse
import sys

from backends._tiny import answer_with_pid


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m backends.inetd")
    parser.add_argument("--name", default="inetd")
    args = parser.parse_args()
    answer_with_pid(sys.stdin.buffer, sys.stdout.buffer, args.name)


if __name__ == "__main__":
    main()
