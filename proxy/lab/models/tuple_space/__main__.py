"""python -m proxy.lab.models.tuple_space --listen unix:/run/space.sock: a tuple space, its protocol in `session.py`.

SIGTERM ends it, and its tuples with it: they are in memory only.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

from proxy.lab.models.pull import in_memory
from proxy.lab.models.tuple_space.server import serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proxy.lab.models.tuple_space")
    parser.add_argument("--listen", metavar="ADDRESS", required=True, help="host:port or unix:/path")
    args = parser.parse_args()
    return in_memory.run(args.listen, partial(serve, args.listen))


if __name__ == "__main__":
    sys.exit(main())
