"""python -m proxy.lab.models.queue.beanstalk -l unix:/run/jobs.sock -z 65535

Options as beanstalkd has them. SIGTERM ends it, and its jobs with it: they are in memory only.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

from proxy.lab.models.pull import in_memory
from proxy.lab.models.queue.beanstalk.server import serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proxy.lab.models.queue.beanstalk")
    parser.add_argument("-l", dest="listen", metavar="ADDRESS", required=True, help="host:port or unix:/path")
    parser.add_argument("-z", dest="largest", metavar="BYTES", type=int, default=65535, help="of a job")
    args = parser.parse_args()
    return in_memory.run(args.listen, partial(serve, args.listen, args.largest))


if __name__ == "__main__":
    sys.exit(main())
