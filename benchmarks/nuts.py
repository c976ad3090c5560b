"""NUTS: the smallest bulk effective sample size per CPU second, compilation apart.

Run as ``python -m benchmarks.nuts``, on one core. The second of two runs of the same sizes counts,
with another key; the first one compiles. The o2o panels are read from ``HAWKESJAX_REFERENCE`` (a
folder with ``m10_t200.npz`` and so on; by default ``../shared/reference/o2o`` beside the
repository).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.events import simulate

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Task:
    """One posterior and the effective draws a second to reach."""

    name: str
    limit: float
    build: Callable[[float], tuple[Any, Any] | None]


def o2o(name: str) -> Callable[[float], tuple[Any, Any] | None]:
    """A panel of the o2o reference with its model's priors; None where the file is not there."""

    def build(_: float) -> tuple[Any, Any] | None:
        import hawkesjax as hj

        default = ROOT.parent / "shared" / "reference"
        folder = Path(os.environ.get("HAWKESJAX_REFERENCE", default))
        places = (folder / f"{name}.npz", folder / "o2o" / f"{name}.npz")
        path = next((place for place in places if place.exists()), None)
        if path is None:
            return None
        with np.load(path, allow_pickle=False) as stored:
            parts = [
                np.split(stored[mark], np.cumsum(stored[f"n_{mark}"])[:-1])
                for mark in ("online", "offline")
            ]
            end = float(stored["T"])
        users = list(zip(*parts, strict=True))
        panel = hj.EventPanel.from_lists(users, window=(0.0, end), mark_names=("online", "offline"))
        return hj.Hawkes(priors="o2o"), panel

    return build


def one_mark(scale: float) -> tuple[Any, Any]:
    """One mark, one sequence, 10^5 events."""
    import hawkesjax as hj

    case = simulate(max(300, int(1e5 * scale)), 1, "pair")
    panel = hj.EventPanel.from_arrays(
        case.times, case.marks, window=(0.0, case.end), mark_names=["0"]
    )
    return hj.Hawkes(), panel


TASKS = (
    Task("nuts-o2o-m5_t100", 554, o2o("m5_t100")),
    Task("nuts-o2o-m10_t200", 200, o2o("m10_t200")),
    Task("nuts-o2o-m20_t500", 80, o2o("m20_t500")),
    Task("nuts-1-1e5", 30, one_mark),
)


def sample(model: Any, panel: Any, given: Any, seed: int) -> dict[str, Any]:
    """One run and its diagnostics over all parameters."""
    import arviz as az
    import jax

    import hawkesjax as hj

    draws = {"num_warmup": given.warmup, "num_samples": given.samples, "num_chains": given.chains}
    init = hj.fit(model, panel) if given.from_fit else None
    cpu, wall = time.process_time(), time.perf_counter()
    post = hj.sample(
        model,
        panel,
        key=jax.random.key(seed),
        init=init,
        pointwise=None,
        progress=False,
        **draws,
    )
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    idata = post.to_arviz()
    table = az.summary(idata, kind="diagnostics", round_to="none")
    ess = np.asarray(table["ess_bulk"], float)
    stats = idata["sample_stats"]
    row = {
        "cpu_s": cpu,
        "wall_s": wall,
        "min_ess_bulk": float(np.nanmin(ess)),
        "worst_parameter": str(table.index[int(np.nanargmin(ess))]),
        "max_r_hat": float(np.nanmax(np.asarray(table["r_hat"], float))),
        "divergences": int(np.sum(np.asarray(stats["diverging"]))),
        "ess_per_cpu_s": float(np.nanmin(ess)) / cpu,
    }
    for name in ("n_steps", "num_steps"):
        if name in stats:
            row["leapfrog_steps"] = int(np.sum(np.asarray(stats[name])))
    return row


def measure(task: Task, given: Any) -> dict[str, Any] | None:
    """First run (with compilation) and second."""
    built = task.build(given.scale)
    if built is None:
        return None
    model, panel = built
    row: dict[str, Any] = {"case": task.name, "num_events": int(panel.num_events)}
    row["model"] = model.config()
    row["first"] = sample(model, panel, given, seed=0)
    row["second"] = sample(model, panel, given, seed=1)
    row["limit"] = task.limit
    return row


def show(task: Task, row: dict[str, Any]) -> None:
    """One posterior in words."""
    mine = row["second"]
    clean = mine["max_r_hat"] < 1.01 and mine["divergences"] == 0
    met = "yes" if mine["ess_per_cpu_s"] >= task.limit and clean else "NO"
    print(f"\n{task.name}: N = {row['num_events']:,}")
    print(f"  {mine['ess_per_cpu_s']:.1f} effective draws a CPU second ", end="")
    print(f"(at least {task.limit:g}: {met}), the least in {mine['worst_parameter']}")
    print(f"  {mine['min_ess_bulk']:.0f} effective draws in {mine['cpu_s']:.1f} s CPU; ", end="")
    print(f"R-hat at most {mine['max_r_hat']:.4f}; {mine['divergences']} divergences; ", end="")
    print(f"{row['first']['cpu_s']:.1f} s with compilation")


def main() -> None:
    options = record.parser(__doc__)
    options.add_argument("--warmup", type=int, default=500)
    options.add_argument("--samples", type=int, default=1000)
    options.add_argument("--chains", type=int, default=4)
    options.add_argument("--from-fit", action="store_true", help="start at the maximum likelihood")
    given = options.parse_args()
    os.environ["JAX_ENABLE_X64"] = "1"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    record.pin()
    rows = []
    for task in TASKS:
        if not record.wanted(task.name, given.cases):
            continue
        row = measure(task, given)
        if row is None:
            print(f"\n{task.name}: skipped, the o2o reference is not here (HAWKESJAX_REFERENCE)")
            continue
        rows.append(row)
        show(task, row)
    options_used = {key: str(value) for key, value in vars(given).items() if key != "peer_python"}
    print("\nwrote", record.save("nuts", rows, options_used, given.out))
    if not rows:
        sys.exit("nothing was measured")


if __name__ == "__main__":
    main()
