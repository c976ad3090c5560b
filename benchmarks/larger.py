"""Memory of reading Parquet: the peak of a process against the arrays of the panel that it reads.

Run as ``python -m benchmarks.larger``; ``--cases sorted`` for one of two. Made-up files of 10^6 to
10^8 events in a folder of eight, in no order or sorted by time. A process of its own reads each;
its peak resident memory (`ru_maxrss`), with all that Python and the packages occupy, is divided by
the bytes of the panel's arrays.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import parser, save

EVENTS = {"in no order": (10**6, 10**7, 10**8), "sorted": (10**6, 10**7)}  # the worst at 10^8
FILES, SEQUENCES, GROUP = 8, 1000, 1 << 20
LIMIT = 1.3


def write(folder: Path, count: int, kind: str) -> None:
    """Files of `count` events in all, a row group at a time: times in [0, count), two marks."""
    import pyarrow as pa
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    for number in range(FILES):
        begin, stop = number * count // FILES, (number + 1) * count // FILES
        schema = pa.schema({"time": pa.float64(), "mark": pa.string(), "who": pa.int32()})
        with parquet.ParquetWriter(folder / f"{number}.parquet", schema) as file:
            for at in range(begin, stop, GROUP):
                size = min(GROUP, stop - at)
                times = np.sort(rng.uniform(at, at + size, size))
                if kind == "in no order":
                    times = rng.uniform(0, count, size)
                mark = pa.array(np.array(["up", "down"])[rng.integers(0, 2, size)])
                who = pa.array(rng.integers(0, SEQUENCES, size).astype(np.int32))
                file.write_table(pa.Table.from_arrays([pa.array(times), mark, who], schema=schema))


def read(folder: Path, count: int) -> dict[str, Any]:
    """Bytes of the panel, peak of this process before and after, CPU seconds."""
    import jax

    import hawkesjax as hj

    hj.EventPanel.from_arrays([1.0], [0], window=(0, 2))  # imports are no part of the growth
    before, clock = _peak(), time.process_time()
    used = {"time": "time", "mark": "mark", "sequence": "who"}
    panel = hj.read_events(folder, **used, window=(0, count))
    seconds = time.process_time() - clock
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(panel))
    assert panel.num_events == count
    return {"panel": held, "before": before, "peak": _peak(), "seconds": seconds}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Write, read, print and keep."""
    options = parser(__doc__)
    options.add_argument("--work", nargs=3, metavar=("DO", "FOLDER", "KIND"), help="used by itself")
    options.add_argument("--events", type=int, default=0, help="used by itself")
    given = options.parse_args()
    if given.work:
        what, folder, kind = given.work
        if what == "write":
            write(Path(folder), given.events, kind)
        else:
            print(json.dumps(read(Path(folder), given.events)))
        return
    rows = []
    for kind, sizes in EVENTS.items():
        if given.cases and not any(case in kind for case in given.cases.split(",")):
            continue
        for events in sizes:
            count = max(int(events * given.scale), 1000)
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-m", "benchmarks.larger", "--events", str(count)]
                subprocess.run([*command, "--work", "write", folder, kind], check=True)
                done = subprocess.run(
                    [*command, "--work", "read", folder, kind], check=True, capture_output=True
                )
                stored = sum(file.stat().st_size for file in Path(folder).iterdir())
            row = {"case": kind, "events": count, "files": stored} | json.loads(done.stdout)
            row["peak/panel"] = row["peak"] / row["panel"]
            row["growth/panel"] = (row["peak"] - row["before"]) / row["panel"]
            rows.append(row)
            print(
                f"{kind:12} {count:>11,} events: panel {row['panel'] / 1e6:7.0f} MB, peak "
                f"{row['peak'] / 1e6:7.0f} MB = {row['peak/panel']:.2f} panels "
                f"({row['growth/panel']:.2f} without {row['before'] / 1e6:.0f} MB at the start), "
                f"{row['seconds'] / count * 1e9:.0f} ns an event"
                + ("" if row["peak/panel"] <= LIMIT else f"; more than {LIMIT}"),
                flush=True,
            )
    used = {name: str(value) for name, value in vars(given).items() if name != "peer_python"}
    save("larger", rows, used, given.out)


if __name__ == "__main__":
    main()
