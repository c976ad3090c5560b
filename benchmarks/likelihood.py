"""Value and gradient of the log-likelihood: nanoseconds an event, memory, precision, and peers.

Run as ``python -m benchmarks.likelihood``. Every case is a process of its own on one core; times
are CPU times, medians over repeats after a first call that compiles.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.events import Case, simulate
from benchmarks.peers import run as peers

ROOT = Path(__file__).resolve().parent.parent
AGREEMENT = 1e-9
EPOCH = 1.7e9  # seconds since 1970, as time stamps come


@dataclass(frozen=True)
class Task:
    """One case: its size, its decays, and the figures to reach."""

    name: str
    num_events: int
    num_marks: int
    decay: str  # "pair", "source", or "fixed": one number for all pairs
    limit_ns: float | None = None
    limit_ns_float32: float | None = None
    limit_bytes: float | None = None
    yardstick: bool = False
    peers: tuple[str, ...] = ()


DENSE = ("hawkes-engine", "intensify")
RECURSIVE = ("intensify", "tick")
TASKS = (
    Task("pair-2-1e6", 10**6, 2, "pair", 25, 12, 250, yardstick=True, peers=DENSE),
    Task("pair-2-1e7", 10**7, 2, "pair", limit_bytes=250),
    Task("pair-20-1e5", 10**5, 20, "pair", 180, peers=DENSE),
    Task("pair-20-1e6", 10**6, 20, "pair", 180, peers=DENSE),
    Task("source-20-1e5", 10**5, 20, "source", 70, peers=("hawkes-engine",)),
    Task("source-20-1e6", 10**6, 20, "source", 70, peers=("hawkes-engine",)),
    Task("fixed-2-1e6", 10**6, 2, "fixed", 10, peers=RECURSIVE),
    Task("fixed-20-1e5", 10**5, 20, "fixed", 25, peers=RECURSIVE),
    Task("fixed-20-1e6", 10**6, 20, "fixed", 25, limit_bytes=1200, peers=RECURSIVE),
)


def ours(path: Path, *options: str) -> dict[str, Any]:
    """One process of `benchmarks.ours`."""
    command = [sys.executable, "-m", "benchmarks.ours", str(path), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command[3:])} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def precision(path: Path, repeats: str) -> dict[str, Any]:
    """float32 against float64 at the same parameters, the time stamps moved to 1.7e9 s."""
    options = ("--offset", str(EPOCH), "--round", "--repeats", repeats)
    double = ours(path, *options, "--dtype", "float64")
    single = ours(path, *options, "--dtype", "float32")
    difference = abs(single["log_likelihood"] / double["log_likelihood"] - 1)
    return {
        "float32_relative_difference": difference,
        "float64_log_likelihood": double["log_likelihood"],
        "float32_log_likelihood": single["log_likelihood"],
    }


def measure(task: Task, given: Any) -> dict[str, Any]:
    """All of one case's numbers."""
    count = max(200, int(task.num_events * given.scale))
    case: Case = simulate(count, task.num_marks, "shared" if task.decay == "fixed" else task.decay)
    row: dict[str, Any] = {"case": task.name, "num_events": count, "num_marks": task.num_marks}
    with tempfile.TemporaryDirectory() as folder:
        path = case.save(folder)
        repeats = ("--repeats", str(given.repeats), "--platform", given.platform)
        options = [*repeats, "--form", given.form]
        options += ["--fixed"] if task.decay == "fixed" else []
        yardstick = ["--yardstick"] if task.yardstick else []
        row["float64"] = ours(path, *options, *yardstick)
        if task.limit_ns_float32:
            row["float32"] = ours(path, *options, *yardstick, "--dtype", "float32")
            row["precision"] = precision(path, "1")
    names = () if given.no_peers else task.peers
    row["peers"] = list(peers.measure(case, names, given.peer_python, repeats=given.repeats))
    for peer in row["peers"]:
        if "log_likelihood" in peer:
            ratio = peer["log_likelihood"] / row["float64"]["log_likelihood"]
            peer["relative_difference"] = abs(ratio - 1)
            peer["agrees"] = bool(abs(ratio - 1) < AGREEMENT)
            peer["times_ours"] = peer["ns_per_event"] / row["float64"]["ns_per_event"]
    return row


def against(value: float, limit: float | None) -> str:
    """A figure beside the one to reach."""
    return "" if limit is None else f" (at most {limit:g}: {'yes' if value <= limit else 'NO'})"


def show(task: Task, row: dict[str, Any]) -> None:
    """One case in words."""
    limits = {"float64": task.limit_ns, "float32": task.limit_ns_float32}
    print(f"\n{task.name}: N = {row['num_events']:,}, D = {task.num_marks}")
    for dtype, limit in limits.items():
        if dtype not in row:
            continue
        mine = row[dtype]
        line = f"  hawkesjax {dtype} {mine['form']}: {mine['ns_per_event']:.1f} ns an event"
        line += against(mine["ns_per_event"], limit)
        if mine["bytes_per_event"] is not None:
            size = mine["bytes_per_event"]
            line += f"; peak {size:.0f} bytes an event" + against(size, task.limit_bytes)
        if mine["exponentials_ns_per_event"]:
            ratio = mine["ns_per_event"] / mine["exponentials_ns_per_event"]
            line += f"; {ratio:.1f}x its 4N exponentials" + (
                against(ratio, 4) if dtype == "float64" else ""
            )
        print(line)
    if "precision" in row:
        difference = row["precision"]["float32_relative_difference"]
        print(f"  float32 at 1.7e9 s: {difference:.1e} off float64" + against(difference, 1e-6))
    for peer in row["peers"]:
        if "skipped" in peer:
            print(f"  {peer['peer']}: skipped, {peer['skipped']}")
            continue
        line = f"  {peer['peer']} {peer['version']}: {peer['ns_per_event']:.1f} ns an event"
        line += f", {peer['times_ours']:.1f}x ours"
        if peer["peak_bytes"] is not None:
            line += f"; peak {peer['peak_bytes'] / row['num_events']:.0f} bytes an event"
        line += f"; log-likelihoods differ by {peer['relative_difference']:.0e}"
        print(line + ("" if peer["agrees"] else " DISAGREES"))


def main() -> None:
    options = record.parser(__doc__)
    options.add_argument("--form", default="auto", help="the decayed counts' form")
    options.add_argument("--platform", default="cpu", help="cpu, or cuda: then wall time")
    given = options.parse_args()
    rows = []
    for task in TASKS:
        if record.wanted(task.name, given.cases):
            rows.append(measure(task, given))
            show(task, rows[-1])
    by_name = {row["case"]: row for row in rows}
    if {"pair-2-1e6", "pair-2-1e7"} <= set(by_name):
        small, large = (by_name[f"pair-2-{size}"]["float64"] for size in ("1e6", "1e7"))
        growth = large["median_s"] / small["median_s"]
        by_name["pair-2-1e7"]["times_1e6"] = growth
        print(f"\nten times the events take {growth:.1f} times the time" + against(growth, 11))
    options_used = {key: str(value) for key, value in vars(given).items() if key != "peer_python"}
    print("\nwrote", record.save("likelihood", rows, options_used, given.out))
    if not all(peer.get("agrees", True) for row in rows for peer in row["peers"]):
        sys.exit("a peer's log-likelihood differs from ours")


if __name__ == "__main__":
    main()
