"""Timing and the record of where a number came from; NumPy and the standard library only.

The peers' workers import this in their own environments, where there is no jax.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = ("hawkesjax", "jax", "jaxlib", "numpyro", "optax", "numpy", "scipy")


def pin() -> None:
    """Keep this process on one core; call it before jax starts its threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def seconds_of(
    call: Callable[[], Any],
    repeats: int,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, Any]:
    """Seconds (of CPU by default) of `repeats` calls, after a first one that is timed apart.

    `call` must return only when its work is done (`jax.block_until_ready`).
    """
    start = clock()
    call()
    first = clock() - start
    gc.collect()
    seconds = []
    for _ in range(repeats):
        start = clock()
        call()
        seconds.append(clock() - start)
    return {"first_s": first, "median_s": float(np.median(seconds)), "all_s": seconds}


class Memory:
    """Peak resident memory of a piece of work in this process, in bytes (Linux).

    with Memory() as memory: ...
    memory.added   # the peak inside, less what was resident before
    """

    def __enter__(self) -> Memory:
        gc.collect()
        self.added: int | None = None
        self._before = _status("VmRSS")
        try:
            Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
        except OSError:
            self._before = _status("VmHWM")
        return self

    def __exit__(self, *_: object) -> None:
        peak = _status("VmHWM")
        if peak is not None and self._before is not None:
            self.added = peak - self._before


def _status(field: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    values = [line.split()[1] for line in lines if line.startswith(field + ":")]
    return int(values[0]) * 1024 if values else None


def machine() -> dict[str, Any]:
    """The processor, its cores and the memory, without the host's name."""
    model, memory = platform.processor(), None
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, StopIteration, ValueError):
        pass
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": model,
        "cores": os.cpu_count(),
        "memory_bytes": memory,
        "load_at_start": load,
    }


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Python's version and those of the packages that are installed."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def save(name: str, rows: list[dict[str, Any]], options: dict[str, Any], folder: Path) -> Path:
    """Write one run as JSON: when, where, with what, and the rows."""
    record = {
        "benchmark": name,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "options": {name: value for name, value in options.items() if name != "out"},
        "rows": rows,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(record, indent=1, default=float) + "\n")
    return path


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that all benchmarks share."""
    options = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    options.add_argument(
        "--scale", type=float, default=1.0, help="multiply all sizes (a trial run)"
    )
    options.add_argument("--repeats", type=int, default=7, help="timed calls; the median counts")
    options.add_argument(
        "--cases", default="", help="only cases whose name contains one of a,b,..."
    )
    options.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON record")
    options.add_argument(
        "--peer-python",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="interpreter of a peer's own environment (or PEER_PYTHON_<NAME> in the environment)",
    )
    options.add_argument("--no-peers", action="store_true", help="measure hawkesjax alone")
    return options


def wanted(name: str, cases: str) -> bool:
    """Whether a case was asked for."""
    return not cases or any(part in name for part in cases.split(","))
