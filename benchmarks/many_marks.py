"""Hundreds of marks with one decay: value and gradient, preparation, memory, and a sparse network.

Run as ``python -m benchmarks.many_marks``. Every case is a process of its own on one core, as in
`benchmarks.likelihood`.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.likelihood import Task, measure

TASKS = (
    Task("shared-20-1e5", 10**5, 20, "shared"),
    Task("shared-200-1e6", 10**6, 200, "shared", 300),
    Task("shared-1000-1e5", 10**5, 1000, "shared", 3000),
    Task("shared-1000-1e6", 10**6, 1000, "shared", 3000),
)


def recovery() -> dict[str, Any]:
    """How far effects are from the truth (sum of absolute differences), shrunk and not."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj

    rng, marks = np.random.default_rng(0), 30
    alpha = np.where(rng.random((marks, marks)) < 0.05, 0.3, 0)
    alpha *= 0.7 / max(np.abs(np.linalg.eigvals(alpha)).max(), 0.7)
    truth = {"mu": np.full(marks, 0.1), "alpha": alpha, "gamma": 1.0}
    shared = hj.Hawkes(decay="shared", baseline="shared")
    panel = hj.simulate(shared, truth, window=(0, 1500), key=jax.random.key(0))
    model, groups = hj.Hawkes(gamma=1.0, baseline="shared"), np.arange(marks) // 5

    def off(estimate: Any) -> float:
        return float(np.abs(estimate.params["alpha"] - alpha).sum())

    began = time.process_time()
    lasso = hj.shrink(model, panel)
    seconds = time.process_time() - began
    return {
        "case": "shrink-30",
        "num_events": panel.num_events,
        "true_effects": int(np.count_nonzero(alpha)),
        "seconds": seconds,
        "effects_lasso": int(np.count_nonzero(lasso.estimate.params["alpha"])),
        "error_lasso": off(lasso.estimate),
        "error_group": off(hj.shrink(model, panel, penalty="group", groups=groups).estimate),
        "error_maximum": off(hj.fit(model, panel, errors=False)),
        "error_none": float(alpha.sum()),
    }


def main() -> None:
    options = record.parser(__doc__)
    options.add_argument("--form", default="auto", help="the decayed counts' form")
    options.add_argument("--platform", default="cpu")
    given = options.parse_args()
    given.no_peers = True
    rows = []
    for task in TASKS:
        if record.wanted(task.name, given.cases):
            rows.append(measure(task, given))
            mine = rows[-1]["float64"]
            print(
                f"{task.name}: {mine['form']}, {mine['ns_per_event']:.0f} ns an event, prepared in "
                f"{mine['prepare_s']:.2f} s, {(mine['peak_bytes'] or 0) / 1e9:.2f} GB added, "
                f"first call {mine['first_s']:.1f} s",
                flush=True,
            )
    if record.wanted("shrink-30", given.cases):
        record.pin()
        rows.append(recovery())
        print(rows[-1], flush=True)
    used = {key: str(value) for key, value in vars(given).items() if key != "peer_python"}
    print(record.save("many_marks", rows, used, given.out))


if __name__ == "__main__":
    main()
