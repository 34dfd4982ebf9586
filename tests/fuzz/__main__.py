"""`python -m tests.fuzz TARGET [SECONDS] [DIRECTORY]`: one target under atheris until the time is over or it fails.

What was found interesting is kept in DIRECTORY and used the next time; an input that fails is written there as well.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["proxy"]):
    from tests.fuzz.targets import TARGETS
from tests.fuzz.seeds import seeds, words


def main(name: str, seconds: str = "60", directory: str = "") -> None:
    place = Path(directory or tempfile.mkdtemp(prefix="rproxy-fuzz-"))
    found, begun, dictionary = place / name, place / f"{name}-seeds", place / "words"
    for folder in (found, begun):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (begun / str(number)).write_bytes(seed)
    dictionary.write_text("\n".join(words()) + "\n")
    options = [
        f"-max_total_time={seconds}", f"-dict={dictionary}", f"-artifact_prefix={place}/{name}-failed-",
        "-max_len=4096", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=0",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], str(found), str(begun), *options], TARGETS[name], internal_libfuzzer=True)
    if not directory:
        print(f"kept in {place}", file=sys.stderr)
    atheris.Fuzz()


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python -m tests.fuzz {'|'.join(TARGETS)} [SECONDS] [DIRECTORY]")
    main(*sys.argv[1:])
