"""Hundreds of marks with one decay: value and gradient, preparation, memory, and shrunken effects.

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


def sparse(marks: int, rng: np.random.Generator) -> np.ndarray:
    """Few effects, of one size."""
    return np.where(rng.random((marks, marks)) < 0.05, 0.3, 0)


def low_rank(marks: int, rng: np.random.Generator) -> np.ndarray:
    """All effects, by two patterns of who is affected and who affects."""
    return rng.gamma(0.5, 1, (marks, 2)) @ rng.gamma(0.5, 1, (2, marks))


TRUTHS = {"shrink-30": sparse, "shrink-low-rank-30": low_rank}


def recovery(name: str) -> dict[str, Any]:
    """How far effects are from the truth (sum of absolute differences), shrunk and not, and the
    log-likelihood of later events, simulated from the same truth."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj

    marks = 30
    alpha = TRUTHS[name](marks, np.random.default_rng(0))
    alpha = alpha * 0.7 / np.abs(np.linalg.eigvals(alpha)).max()
    truth = {"mu": np.full(marks, 0.1), "alpha": alpha, "gamma": 1.0}
    shared = hj.Hawkes(decay="shared", baseline="shared")
    panel = hj.simulate(shared, truth, window=(0, 1500), key=jax.random.key(0))
    later = hj.simulate(shared, truth, window=(0, 1500), key=jax.random.key(1))
    model, groups = hj.Hawkes(gamma=1.0, baseline="shared"), np.arange(marks) // 5
    found, seconds = {}, {}
    for penalty in ("lasso", "group", "nuclear"):
        began = time.process_time()
        of = {"groups": groups} if penalty == "group" else {}
        found[penalty] = hj.shrink(model, panel, penalty=penalty, **of)
        seconds[penalty] = time.process_time() - began
    fits = {name: one.estimate.params for name, one in found.items()}
    fits["maximum"] = hj.fit(model, panel, errors=False).params
    constant = np.sum(np.asarray(panel.counts), axis=0) / 1500
    fits["none"] = {"mu": constant, "alpha": np.zeros((marks, marks))}

    def later_log(params: Any) -> float:
        return float(model.log_likelihood({n: params[n] for n in ("mu", "alpha")}, later))

    return {
        "case": name,
        "num_events": panel.num_events,
        "true_effects": int(np.count_nonzero(alpha)),
        "true_rank": int(np.linalg.matrix_rank(alpha)),
        "seconds": seconds,
        "effects": {name: int(np.count_nonzero(fits[name]["alpha"])) for name in found},
        "rank": int(found["nuclear"].path.query("chosen")["rank"].iloc[0]),
        "error": {n: float(np.abs(params["alpha"] - alpha).sum()) for n, params in fits.items()},
        "later_below_truth": {n: later_log(truth) - later_log(p) for n, p in fits.items()},
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
    record.pin()
    for name in TRUTHS:
        if record.wanted(name, given.cases):
            rows.append(recovery(name))
            print(rows[-1], flush=True)
    used = {key: str(value) for key, value in vars(given).items() if key != "peer_python"}
    print(record.save("many_marks", rows, used, given.out))


if __name__ == "__main__":
    main()
