"""All effects among many marks: how near the truth penalties come, and what fits cost.

Run as ``python -m benchmarks.many_effects``, on one core; seconds are CPU times.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.events import simulate


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


# Events, marks, and whether the decay is known: all effects by maximum likelihood.
FITS = {"fit-known-1000-1e5": (10**5, 1000, True), "fit-shared-200-3e4": (30_000, 200, False)}


def fitted(name: str, scale: float) -> dict[str, Any]:
    """A fit without standard errors: seconds, memory, effects above 0."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import hawkesjax as hj

    count, marks, known = FITS[name]
    case = simulate(max(200, int(count * scale)), marks, "shared")
    names = [str(mark) for mark in range(marks)]
    window = (0, float(case.end))
    panel = hj.EventPanel.from_arrays(case.times, case.marks, window=window, mark_names=names)
    gamma = float(case.gamma)
    decay = {"gamma": gamma} if known else {"decay": "shared"}
    with record.Memory() as memory:
        began = time.process_time()
        found = hj.fit(hj.Hawkes(**decay, baseline="shared"), panel, errors=False)
        seconds = time.process_time() - began
    return {
        "case": name,
        "num_events": panel.num_events,
        "num_marks": marks,
        "seconds": seconds,
        "peak_bytes": memory.added,
        "steps": found.steps,
        "result": found.result.name,
        "gradient": found.gradient,
        "effects": int(np.count_nonzero(found.params["alpha"])),
        "gamma": float(found.params.get("gamma", gamma)),
        "true_gamma": gamma,
    }


def main() -> None:
    given = record.parser(__doc__).parse_args()
    record.pin()
    rows = []
    for name in (*TRUTHS, *FITS):
        if record.wanted(name, given.cases):
            rows.append(recovery(name) if name in TRUTHS else fitted(name, given.scale))
            print(rows[-1], flush=True)
    used = {key: str(value) for key, value in vars(given).items() if key != "peer_python"}
    print(record.save("many_effects", rows, used, given.out))


if __name__ == "__main__":
    main()
