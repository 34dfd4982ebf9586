"""All tests, in two halves at once: `python -m tests`, as `make tests` does; options are pytest's, for both halves.

Most tests wait for processes, sockets and the kernel, one after the other, and leave a processor free. What only
computes takes that one meanwhile, and with less right to it, so that it disturbs nobody: 100 s less on two processors.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

COMPUTING = (
    "tests/core", "tests/fuzz", "tests/hostile", "tests/lab/analysis", "tests/lab/simulate", "tests/test_layering.py",
)  # fmt: skip
ROOT = Path(__file__).parent.parent


def main(options: list[str]) -> int:
    """The exit status: 0 when both halves are good."""
    pytest = [sys.executable, "-m", "pytest", *options]
    with tempfile.TemporaryFile() as output:
        computing = subprocess.Popen(["nice", *pytest, *COMPUTING], cwd=ROOT, stdout=output, stderr=output)
        try:
            ignored = [f"--ignore={place}" for place in COMPUTING]
            status = subprocess.run([*pytest, *ignored], cwd=ROOT, check=False).returncode
            status = computing.wait() or status
        finally:
            computing.kill()
            computing.wait()
        output.seek(0)
        print(f"what only computes, meanwhile:\n{output.read().decode(errors='replace')}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
