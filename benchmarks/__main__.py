"""The benchmarks by name: run some, print their tables, and draw their pictures.

Run as ``python -m benchmarks`` (the models on one core and over devices), or with names:
``python -m benchmarks likelihood mle``; ``--scale 0.01`` is a trial; ``--out DIR`` keeps the
records apart from those that the docs show. Peers are measured where they are installed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks import pictures, record, report

ROOT = Path(__file__).resolve().parent.parent
USUAL = ("growth", "likelihood", "mle", "nuts", "retweet", "katz", "katz_likelihood", "devices")
NOT_RUN = ("__init__", "__main__", "events", "ours", "paper", "pictures", "record", "report")


def names() -> list[str]:
    """All benchmarks."""
    found = (path.stem for path in Path(__file__).parent.glob("*.py"))
    return sorted(name for name in found if name not in NOT_RUN)


def main() -> int:
    """Run each in a process of its own; its output is shown as it comes."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("names", nargs="*", default=USUAL, metavar="NAME", help=", ".join(names()))
    options.add_argument("--scale", type=float, default=1.0, help="multiply all sizes (a trial)")
    options.add_argument("--repeats", type=int, default=7, help="timed calls; the median counts")
    options.add_argument("--out", type=Path, default=record.RESULTS, help="folder of the records")
    options.add_argument("--no-peers", action="store_true", help="measure hawkesjax alone")
    given = options.parse_args()
    unknown = [name for name in given.names if name not in names()]
    if unknown:
        options.error(f"there is no {', '.join(unknown)}; there are {', '.join(names())}")
    given.out.mkdir(parents=True, exist_ok=True)
    shared = ["--scale", str(given.scale), "--repeats", str(given.repeats)]
    shared += ["--out", str(given.out.resolve()), *(["--no-peers"] if given.no_peers else [])]
    failed = []
    for name in given.names:
        print(f"\n== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *shared]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    report.show(given.out)
    for path in pictures.draw(given.out):
        print(f"drawn: {path}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
